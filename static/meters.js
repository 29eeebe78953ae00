"use strict";
var Reason = Reason || {};

/** Reliability beside confidence: two labelled bars, the first with the threshold marked. */
Reason.meters = (function () {
  const { html } = Reason.dom;
  const { percent } = Reason.format;

  /**
   * @param {string} kind
   * @param {[string, string]} words
   * @param {number} value
   * @param {{ tone: string, label: string, threshold?: number, thresholdText?: string }} gauge
   */
  function meter(kind, [title, text], value, gauge) {
    return html("div", { class: `meter ${kind}` }, [
      html("p", { class: "meter-label" }, [html("strong", { text: title }), html("span", { text })]),
      html("p", { class: "meter-value", text: percent(value) }),
      html("div", { class: "meter-chart" }, [Reason.charts.gauge({ share: value, ...gauge })]),
    ]);
  }

  /**
   * Both meters of a verdict that was decided at `threshold`.
   * @param {{ reliability: number, confidence: number }} verdict
   * @param {Decided} decided
   */
  return ({ reliability, confidence }, { decision, threshold }) => [
    meter("reliability", ["Reliability", "how likely this answer is right"], reliability, {
      tone: decision,
      label: `Reliability ${percent(reliability)}, accepted from ${percent(threshold)}`,
      threshold,
      thresholdText: `accepted from ${percent(threshold)}`,
    }),
    meter("confidence", ["Confidence", "how sure the classifier says it is"], confidence, {
      tone: "plain",
      label: `Confidence ${percent(confidence)}`,
    }),
  ];
})();
