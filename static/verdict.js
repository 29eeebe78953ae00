"use strict";
var Reason = Reason || {};

/** @typedef {{ decision: Decision, threshold: number }} Decided */

/** The first answer: class, reliability beside confidence, decision, and what the threshold guarantees. */
Reason.verdict = (function () {
  const { byId, icon, say } = Reason.dom;
  const { percent, setting } = Reason.format;
  const STRIKING = 0.2;
  const CONFIDENT = 0.7;
  const BADGES = { accept: "Accept", review: "Review" };
  const SENTENCES = {
    accept: "Reliable enough to accept without a second look.",
    review: "Not reliable enough: a person should look at this one.",
  };

  /**
   * @param {Decision} decision
   * @param {number | null} tried
   */
  const badge = (decision, tried) => (tried === null ? BADGES[decision] : `Would ${BADGES[decision].toLowerCase()}`);

  /**
   * The decision at the threshold that the person tries, or the service's own where none is tried.
   * @param {Verdict} verdict
   * @param {number | null} tried
   * @returns {Decided}
   */
  function decide(verdict, tried) {
    if (tried === null) return { decision: verdict.decision, threshold: verdict.threshold };
    return { decision: verdict.reliability >= tried ? "accept" : "review", threshold: tried };
  }

  /**
   * @param {Verdict} verdict
   * @param {Decided} decided
   */
  function contrast(verdict, { decision }) {
    const gap = verdict.confidence - verdict.reliability;
    const sure = percent(verdict.confidence, 0);
    const likely = percent(verdict.reliability, 0);
    if (decision === "review" && gap >= STRIKING && verdict.confidence >= CONFIDENT) {
      return (
        `Confident but unreliable: the classifier says it is ${sure} sure, ` +
        `yet its inner signals give this answer only a ${likely} chance.`
      );
    }
    if (decision === "accept" && -gap >= STRIKING && verdict.confidence < CONFIDENT) {
      return (
        `Hesitant but reliable: the classifier says it is only ${sure} sure, ` +
        `yet its inner signals give this answer a ${likely} chance.`
      );
    }
    return "";
  }

  /** @param {Certificate} certificate */
  function guarantee(certificate) {
    return (
      `At this threshold at most ${setting(certificate.risk)} of accepted answers are wrong, with ` +
      `${setting(1 - certificate.delta)} confidence: measured on ${Reason.format.count(certificate.n, "calibration image")}, ` +
      `of which it accepts ${percent(certificate.coverage)}; it holds for images like those, and no others.`
    );
  }

  /**
   * @param {Verdict} verdict
   * @param {number | null} tried
   */
  function certificateText(verdict, tried) {
    if (tried !== null) {
      const consequence = verdict.certificate ? "Its certificate no longer applies." : "It has no certificate.";
      return `You try ${percent(tried, 0)} in place of the model's ${percent(verdict.threshold)}. ${consequence}`;
    }
    if (!verdict.certificate) return "This threshold has no certificate: no error rate is guaranteed at it.";
    return guarantee(verdict.certificate);
  }

  /**
   * Fill what every view shows of a verdict: decision, class and the two meters inside `root`.
   * @param {HTMLElement} root
   * @param {Verdict} verdict
   * @param {number | null} tried
   */
  function core(root, verdict, tried) {
    const decided = decide(verdict, tried);
    const [mark, name, meters] = [".badge", ".verdict-class", ".meters"].map((part) => root.querySelector(part));
    if (!mark || !name || !meters) throw new TypeError(`#${root.id} cannot show a verdict`);
    root.dataset.decision = decided.decision;
    mark.className = `badge ${decided.decision}`;
    mark.replaceChildren(icon(decided.decision), badge(decided.decision, tried));
    name.textContent = verdict.class;
    meters.replaceChildren(...Reason.meters(verdict, decided));
  }

  /**
   * @param {Verdict} verdict
   * @param {number | null} tried
   */
  function slider(verdict, tried) {
    const threshold = tried === null ? verdict.threshold : tried;
    byId("threshold", HTMLInputElement).value = String(threshold);
    byId("threshold").setAttribute("aria-valuetext", percent(threshold));
    byId("threshold-value").textContent = percent(threshold);
    byId("threshold-reset", HTMLButtonElement).disabled = tried === null;
  }

  return {
    decide,
    badge,
    core,

    /**
     * Show the verdict, decided again where `tried` is a threshold and not null.
     * @param {Verdict} verdict
     * @param {number | null} tried
     */
    show(verdict, tried) {
      const decided = decide(verdict, tried);
      core(byId("verdict"), verdict, tried);
      byId("verdict-model").textContent = Reason.models.several() ? `The classifier ${verdict.model} says` : "The classifier says";
      byId("verdict-sentence").textContent = SENTENCES[decided.decision];
      byId("certificate").textContent = certificateText(verdict, tried);
      byId("seal", SVGElement).setAttribute("href", tried === null && verdict.certificate ? "#icon-seal" : "#icon-unsealed");
      say("contrast", contrast(verdict, decided));
      slider(verdict, tried);
    },

    /**
     * The verdict in one breath, for screen readers.
     * @param {Verdict} verdict
     * @param {number | null} tried
     */
    spoken(verdict, tried) {
      const { decision } = decide(verdict, tried);
      return `${verdict.class}, ${percent(verdict.reliability)} likely to be right: ${badge(decision, tried).toLowerCase()}.`;
    },
  };
})();
