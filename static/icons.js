"use strict";
var Reason = Reason || {};

/** Draws the icons that the page refers to as `#icon-name`; lines only, in the colour of the text. */
(function () {
  const { svg } = Reason.dom;
  const SHIELD = "M10 2.6l6 2.2v4.7c0 3.9-2.6 6.6-6 7.9-3.4-1.3-6-4-6-7.9V4.8z";
  const PATHS = {
    accept: "M4.5 10.5l3.6 3.6 7.4-8",
    review: "M10 4.6v6.6M10 15.2v.2",
    failed: "M5.5 5.5l9 9M14.5 5.5l-9 9",
    other: "M4.5 7.6h11M4.5 12.4h11M12.6 4l-5.2 12",
    image: "M5 3h10a3 3 0 0 1 3 3v8a3 3 0 0 1-3 3H5a3 3 0 0 1-3-3V6a3 3 0 0 1 3-3zM7 8.2v.1M3 15.6l4.4-3.8 3 2.6 3-3.2 4.3 3.8",
    seal: `${SHIELD}M7.2 10l2 2 3.6-4`,
    unsealed: `${SHIELD}M7.4 10h5.2`,
    previous: "M12 5l-5 5 5 5",
    next: "M8 5l5 5-5 5",
  };

  document.body.prepend(
    svg("svg", { class: "sprite", "aria-hidden": "true", width: 0, height: 0 }, Object.entries(PATHS).map(([name, d]) =>
      svg("symbol", { id: `icon-${name}`, viewBox: "0 0 20 20" }, [svg("path", { d })]))),
  );
})();
