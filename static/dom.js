"use strict";
var Reason = Reason || {};

/** @typedef {Record<string, string | number | null | undefined>} Attributes */

/** Builds page and SVG elements from data; text only ever enters as text, never as markup. */
Reason.dom = (function () {
  const SVG = "http://www.w3.org/2000/svg";
  const SMALL_PX = 128;

  /**
   * @template {Element} E
   * @param {E} node
   * @param {Attributes} attributes
   * @param {(Node | string)[]} children
   * @returns {E}
   */
  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === undefined) continue;
      if (name === "text") node.textContent = String(value);
      else node.setAttribute(name, String(value));
    }
    node.append(...children);
    return node;
  }

  /**
   * The element of the page with this id.
   * @template {Element} [E=HTMLElement]
   * @param {string} id
   * @param {new () => E} [kind] what it has to be
   * @returns {E}
   */
  function byId(id, kind) {
    const node = document.getElementById(id);
    if (!(node instanceof (kind || HTMLElement))) throw new TypeError(`The page has no such element: ${id}`);
    return /** @type {E} */ (/** @type {Element} */ (node));
  }

  /**
   * A new HTML element; the attribute `text` sets its text.
   * @template {keyof HTMLElementTagNameMap} T
   * @param {T} tag
   * @param {Attributes} [attributes]
   * @param {(Node | string)[]} [children]
   */
  const html = (tag, attributes = {}, children = []) => fill(document.createElement(tag), attributes, children);

  /**
   * A new SVG element; the attribute `text` sets its text.
   * @template {keyof SVGElementTagNameMap} T
   * @param {T} tag
   * @param {Attributes} [attributes]
   * @param {(Node | string)[]} [children]
   */
  const svg = (tag, attributes = {}, children = []) => fill(document.createElementNS(SVG, tag), attributes, children);

  return {
    byId,
    html,
    svg,

    /**
     * One of the icons drawn in the page, hidden from screen readers.
     * @param {string} name
     */
    icon: (name) => svg("svg", { "aria-hidden": "true" }, [svg("use", { href: `#icon-${name}` })]),

    /**
     * Let a loaded picture of few pixels show each of them as a square.
     * @param {HTMLImageElement} image
     */
    enlarge: (image) => image.classList.toggle("tiny", Math.max(image.naturalWidth, image.naturalHeight) < SMALL_PX),

    /**
     * Set the text of the element with this id, and hide it where there is none.
     * @param {string} id
     * @param {string} text
     */
    say(id, text) {
      const node = byId(id);
      node.textContent = text;
      node.hidden = !text;
    },
  };
})();
