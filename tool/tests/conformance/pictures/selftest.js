// What a trace's page is asked in a browser, and how it answers, line by line.
//
// The hard thing is that nobody has a mouse here, and that a browser without a screen may
// draw no frame: events are made, the timeline is told to paint, and what the canvas shows
// is read from its points.
"use strict";

(() => {
  const out = document.createElement("pre");
  out.id = "selftest";
  document.body.append(out);
  const say = (line) => { out.textContent += `${line}\n`; };
  const { trace, timeline } = Jostle.trace ?? {};
  const canvas = document.getElementById("timeline");

  /** Coloured points of the bar of a CPU; of the cursor's line there are two or three. */
  const colours = (cpu) => {
    const points = canvas.getContext("2d").getImageData(48, 20 + cpu * 30 + 8, canvas.width - 64, 1).data;
    let count = 0;
    for (let i = 0; i < points.length; i += 4) {
      const [least, most] = [Math.min(...points.slice(i, i + 3)), Math.max(...points.slice(i, i + 3))];
      count += most - least > 60 ? 1 : 0;
    }
    return count;
  };
  const mouse = (name, x, y, more = {}) => {
    const box = canvas.getBoundingClientRect();
    const Kind = name === "wheel" ? WheelEvent : PointerEvent;
    canvas.dispatchEvent(new Kind(name, { clientX: box.left + x, clientY: box.top + y, bubbles: true, cancelable: true, pointerId: 1, ...more }));
  };
  const press = (key, more = {}) => document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
  const marks = () => timeline.rows.reduce((sum, row) => sum + Object.values(row.marks).reduce((all, { at }) => all + at.length, 0), 0);
  const hover = (event) => {
    timeline.look(trace.at[event] - 50, 100);
    mouse("pointermove", timeline.x(trace.at[event]), 20 + trace.cpu[event] * 30 + 10);
    return document.getElementById("tip").textContent;
  };

  try {
    canvas.setPointerCapture = () => {};
    timeline.paint();
    say(document.getElementById("summary").textContent);
    say(`lost: ${document.getElementById("notice").hidden ? "nothing" : document.getElementById("notice").textContent}`);
    // All that was read, as one number.
    let sum = 2166136261;
    const encoder = new TextEncoder();
    for (let i = 0; i < trace.count; i++) {
      for (const byte of encoder.encode(`${trace.at[i]} ${trace.cpu[i]} ${trace.textOf(i)}\n`)) sum = Math.imul(sum ^ byte, 16777619) >>> 0;
    }
    say(`events: ${sum}`);
    say(`tenures: ${trace.tenures.length / 4}, arrows: ${trace.allArrows.length}`);
    say(`coloured: ${timeline.rows.map((_, cpu) => (colours(cpu) > 4 ? "yes" : "no")).join(" ")}`);
    const wanted = window.JOSTLE_HOVER;
    for (const event of wanted) say(`hover: ${hover(event).split("\n").slice(1).some((line) => line.includes(trace.textOf(event)) ) ? trace.textOf(event) : `not ${hover(event)}`}`);
    // The wheel zooms around the pointer.
    timeline.fit();
    const [held, span] = [timeline.position(400), timeline.to - timeline.from];
    mouse("wheel", 400, 40, { deltaY: -1000 });
    const strayed = Math.abs(timeline.x(held) - 400);
    say(`wheel: ${((timeline.to - timeline.from) / span).toFixed(3)}, strayed ${strayed.toFixed(1)}`);
    const before = timeline.from;
    mouse("pointerdown", 400, 40);
    mouse("pointermove", 300, 40);
    mouse("pointerup", 300, 40);
    say(`dragged: ${timeline.from > before ? "on" : "not"}`);
    press("0");
    say(`all: ${(timeline.to - timeline.from) / span}`);
    press("Home");
    for (let i = 0; i < 5; i++) press("ArrowRight");
    press("ArrowLeft");
    say(`fifth: ${document.querySelector("#list .at").lastChild.textContent}`);
    const count = marks();
    document.getElementById("show-none").click();
    say(`none: ${marks()} of ${count > 0 ? "some" : "none"}`);
    document.querySelector("#envs button").click();
    say(`only the first: ${marks() < count && marks() > 0 ? "fewer" : "not"}, ${document.querySelectorAll("#envs tr.off").length} off`);
    document.getElementById("show-all").click();
    say(`show all: ${marks() === count ? "as before" : "not"}`);
    document.getElementById("text").value = "gets the CPU";
    document.getElementById("find").requestSubmit();
    say(`found: ${document.querySelector("#list .at").lastChild.textContent.includes("gets the CPU")}`);
    // How much is drawn, however much there is.
    let strokes = 0;
    for (const name of ["fillRect", "fill", "stroke"]) {
      const own = CanvasRenderingContext2D.prototype[name];
      CanvasRenderingContext2D.prototype[name] = function counted(...all) {
        strokes += 1;
        own.apply(this, all);
      };
    }
    timeline.fit();
    timeline.paint();
    say(`strokes: ${strokes > 0 && strokes < 60000 ? "bounded" : strokes}`);
    const gap = [...timeline.rows.entries()].find(([, row]) => row.env.includes(Jostle.UNKNOWN));
    if (gap) {
      const [cpu, row] = gap;
      const at = row.env.indexOf(Jostle.UNKNOWN);
      timeline.look(row.since[at] - 20, (row.since[at + 1] - row.since[at]) + 40);
      timeline.paint();
      mouse("pointermove", timeline.x((row.since[at] + row.since[at + 1]) / 2), 20 + cpu * 30 + 10);
      say(`gap: ${document.getElementById("tip").textContent.split("  ").at(-1)}`);
    }
    say(`errors: ${window.JOSTLE_ERRORS.join("; ") || "none"}`);
    say("selftest done");
  } catch (error) {
    say(`selftest failed: ${error.stack}; ${window.JOSTLE_ERRORS.join("; ")}`);
  }
})();
