// Filters and steps through errors; without it everything is shown and works.
(function () {
  "use strict";
  var root = document.documentElement;
  root.classList.add("js");
  function open(target) {
    for (var at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  }
  function reveal() {
    var target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    open(target);
    target.scrollIntoView({ block: "center" });
  }
  addEventListener("hashchange", reveal);
  reveal();
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (one) { one.open = true; });
  });
  document.querySelectorAll("[data-errors]").forEach(function (box) {
    var label = box.querySelector("[data-by=label]"), alone = box.querySelector("[data-by=alone]");
    var count = box.querySelector("[data-count]");
    function filter() {
      var shown = 0;
      box.querySelectorAll("li[data-l]").forEach(function (line) {
        var fits = (!label.value || line.dataset.l.split(" ").indexOf(label.value) >= 0) && (!alone || !alone.checked || line.dataset.a);
        line.hidden = !fits;
        if (fits) shown += 1;
      });
      box.querySelectorAll("details.pat").forEach(function (group) {
        group.hidden = !group.querySelector("li[data-l]:not([hidden])");
      });
      count.textContent = shown;
    }
    label.addEventListener("change", filter);
    if (alone) alone.addEventListener("change", filter);
  });
  // Says in words that a table goes on sideways, since phones hide scroll bars.
  function hint() {
    document.querySelectorAll(".scroll").forEach(function (box) {
      var before = box.previousElementSibling, said = before && before.classList.contains("hint");
      if (box.clientWidth && box.scrollWidth > box.clientWidth + 1) {
        if (said) return;
        var line = document.createElement("p");
        line.className = "hint";
        line.textContent = document.body.dataset.scroll;
        box.parentNode.insertBefore(line, box);
      } else if (said && box.clientWidth) before.remove();
    });
  }
  hint();
  addEventListener("resize", hint);
  document.addEventListener("toggle", hint, true);
  var at = -1;
  document.querySelectorAll("[data-step]").forEach(function (button) {
    button.addEventListener("click", function () {
      var marks = Array.prototype.filter.call(document.querySelectorAll(".m"), function (mark) {
        return getComputedStyle(mark).display !== "none";
      });
      if (!marks.length) return;
      at = (at + Number(button.dataset.step) + marks.length) % marks.length;
      open(marks[at]);
      marks[at].scrollIntoView({ block: "center" });
      marks[at].focus({ preventScroll: true });
    });
  });
})();
