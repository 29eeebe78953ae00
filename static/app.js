"use strict";
var Reason = Reason || {};

/** Starts the page: the two views, the model that judges, and where chosen images go. */
(function () {
  const { byId, say } = Reason.dom;
  const ASK_AGAIN_MS = 3000;

  /** @param {File[]} files */
  function take(files) {
    if (Reason.route.read().view === "lab") Reason.lab.take(files);
    else Reason.judge.take(files);
  }

  function follow() {
    const { view, model } = Reason.route.read();
    document.body.dataset.view = view;
    const known = Reason.models.choose(model);
    const current = Reason.models.current();
    Reason.route.link(view, current && Reason.models.several() ? current.name : model);
    if (!current) return;
    say("notice", known ? "" : `The service holds no model named ${model}; ${current.name} judges in its place.`);
    if (view === "lab") Reason.lab.open(current);
    else Reason.lab.leave();
  }

  async function introduce() {
    try {
      await Reason.models.load();
      follow();
      Reason.judge.refresh();
    } catch (failure) {
      if (!(failure instanceof Reason.api.Failure)) throw failure;
      if (!Reason.judge.busy()) say("notice", Reason.api.patience(failure));
      if (failure.again) setTimeout(introduce, ASK_AGAIN_MS);
    }
  }

  /** @param {Event} event */
  function skip(event) {
    // The link's own address would replace the view and the model in the page's.
    event.preventDefault();
    byId("main").focus();
  }

  byId("skip").addEventListener("click", skip);
  Reason.intake.listen(take);
  Reason.judge.listen();
  Reason.lab.listen();
  Reason.models.listen(Reason.route.use);
  Reason.route.listen(follow);
  follow();
  introduce();
})();
