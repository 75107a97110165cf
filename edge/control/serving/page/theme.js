// The choice of light or dark, put on the document before it is drawn, so that nothing flashes.
// The choice is kept in this browser; without one the system's preference holds (`color-scheme` in style/base.css).
(() => {
  try {
    const choice = localStorage.getItem("theme");
    if (choice === "light" || choice === "dark") document.documentElement.dataset.theme = choice;
  } catch {
    // A browser that keeps nothing for us: the system's preference holds.
  }
})();
