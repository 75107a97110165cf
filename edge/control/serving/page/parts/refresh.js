// Reads something again and again, one time after the other: while one is under way, the next waits, and only the
// newest does.

export class Refresh {
  /** READ reads and shows; what it throws, `now` throws. */
  constructor(read) {
    this.read = read;
    this.busy = false;
    this.again = false;
  }

  /** Read now, or as soon as the reading under way is done. */
  async now() {
    if (this.busy) {
      this.again = true;
      return;
    }
    this.busy = true;
    try {
      do {
        this.again = false;
        await this.read();
      } while (this.again);
    } finally {
      this.busy = false;
    }
  }

  /** As `now`, of what is shown already: that stays as it is if this fails, and the sign in the bar says why. */
  quietly() {
    this.now().catch(() => {});
  }
}
