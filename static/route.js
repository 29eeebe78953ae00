"use strict";
var Reason = Reason || {};

/** The view and the model that the address names after its #, such as `#lab?model=mnist`: a link opens both. */
Reason.route = (function () {
  const VIEWS = ["judge", "lab"];

  /**
   * @param {string} view
   * @param {string | null} model
   */
  function hash(view, model) {
    return `#${view}${model ? `?${new URLSearchParams({ model })}` : ""}`;
  }

  return {
    /** What the address asks for; `model` is null where it names none. */
    read() {
      const [view, query] = window.location.hash.slice(1).split("?");
      return { view: VIEWS.includes(view) ? view : VIEWS[0], model: new URLSearchParams(query).get("model") };
    },

    /**
     * Let the links of the views keep the model, and mark the one that is shown.
     * @param {string} shown
     * @param {string | null} model
     */
    link(shown, model) {
      for (const view of VIEWS) {
        const link = Reason.dom.byId(`to-${view}`);
        link.setAttribute("href", hash(view, model));
        if (view === shown) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
    },

    /**
     * Ask for another model in the view that is open.
     * @param {string} model
     */
    use(model) {
      window.location.hash = hash(Reason.route.read().view, model);
    },

    /** @param {() => void} changed */
    listen: (changed) => window.addEventListener("hashchange", changed),
  };
})();
