// Elements, made and changed. The only module that creates nodes.
//
// Rules of this file:
// - Text from users becomes text nodes and attributes, never markup. No module parses HTML.
// - What has not changed is not touched: focus, selection and the reader's place stay while numbers change.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element. ATTRIBUTES: strings, booleans, and listeners as `onclick`. CHILDREN: nodes, texts, lists of them. */
export function h(name, attributes = {}, ...children) {
  return build(document.createElement(name), attributes, children);
}

/** An SVG element, as `h`. */
export function svg(name, attributes = {}, ...children) {
  return build(document.createElementNS(SVG, name), attributes, children);
}

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else set(element, name, value);
  }
  element.append(...flat(children));
  return element;
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/** Give ELEMENT the attribute NAME; false, null and undefined take it away. */
export function set(element, name, value) {
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else {
    const text = value === true ? "" : String(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

/** Let ELEMENT hold TEXT alone. */
export function say(element, text) {
  const wanted = String(text);
  if (element.textContent !== wanted) element.textContent = wanted;
}

/** Let ELEMENT hold CHILDREN alone. */
export function put(element, ...children) {
  element.replaceChildren(...flat(children));
}

/**
 * Keeps the children of an element in step with a list of items.
 *
 * KEY(item) identifies an item; MAKE(item) gives `{ element, update(item) }`. Elements of items that stay are kept.
 */
export class Children {
  constructor(parent, key, make) {
    this.parent = parent;
    this.key = key;
    this.make = make;
    this.known = new Map();
  }

  fill(items) {
    const wanted = new Map(items.map((item) => [this.key(item), item]));
    for (const [key, one] of this.known) {
      if (wanted.has(key)) continue;
      one.element.remove();
      this.known.delete(key);
    }
    let place = this.parent.firstChild;
    for (const [key, item] of wanted) {
      const one = this.known.get(key) ?? this.make(item);
      this.known.set(key, one);
      one.update(item);
      if (one.element === place) place = place.nextSibling;
      else this.parent.insertBefore(one.element, place); // an element that is moved loses the focus: only if need be
    }
  }
}
