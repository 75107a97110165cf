// The JSON under api/, as docs/admin-api.md describes it. Addresses are relative: the page works behind a prefix, too.

const ROOT = new URL("../", import.meta.url);

/** The address of PATH with the parameters of QUERY that have a value. */
export function address(path, query = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) if (one !== "" && one !== null && one !== undefined) url.searchParams.append(name, one);
  }
  return url;
}

/** What the control plane says to a request that it does not fulfil. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * The JSON at PATH.
 *
 * Throws Refusal with the server's words, TypeError if there is no connection.
 */
export async function get(path, query = {}, signal = undefined) {
  const response = await fetch(address(`api/${path}`, query), { signal, headers: { Accept: "application/json" } });
  const text = await response.text();
  let body = null;
  try {
    body = JSON.parse(text);
  } catch {
    // An answer of something between us and the control plane, such as a proxy.
  }
  if (response.ok && body !== null) return body;
  throw new Refusal(response.status, body?.error ?? `The admin port answered ${response.status}.`);
}

/** What to tell a person about ERROR. */
export function reason(error) {
  return error instanceof Refusal ? error.message : "The control plane does not answer.";
}
