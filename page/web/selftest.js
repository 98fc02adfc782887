// The page tests itself, for `jostle test`: #selftest=PROGRAM,CPUS,SEED,PARTS;… runs
// each, goes back and forward in it, and prints digests that the host compares;
// #selftest=fingers puts fingers on a timeline, and prints what it shows then.
//
// The hard thing is that nobody has fingers here: the events are made, and pointers that
// no hardware has cannot be captured, so the canvas does without.
"use strict";

/** Fingers on the timeline of a run of a million positions. */
Jostle.fingers = (say) => {
  const canvas = document.getElementById("timeline");
  let taps = 0;
  const timeline = new Jostle.Timeline(canvas, document.getElementById("tip"), () => { taps += 1; });
  document.getElementById("app").hidden = false;
  timeline.clear(4);
  timeline.end = 1e6;
  canvas.setPointerCapture = () => {};
  const box = canvas.getBoundingClientRect();
  const event = (name, pointerId, [x, y]) => {
    const place = { clientX: box.left + x, clientY: box.top + y };
    canvas.dispatchEvent(new PointerEvent(`pointer${name}`, { pointerId, pointerType: "touch", bubbles: true, ...place }));
  };
  const middle = (places) => places.reduce((sum, [x]) => sum + x, 0) / places.length;

  /** Puts fingers down, moves one after the other, and lifts them. */
  const gesture = (name, from, to, [start, length] = [400000, 200000]) => {
    timeline.look(start, length);
    taps = 0;
    const held = timeline.position(middle(from));
    from.forEach((place, finger) => event("down", finger + 2, place));
    to.forEach((place, finger) => event("move", finger + 2, place));
    to.forEach((place, finger) => event("up", finger + 2, place));
    const span = (timeline.to - timeline.from) / length;
    const strayed = timeline.x(held) - middle(to);
    say(`${name}: ${span.toFixed(3)} of the span, strayed ${Math.abs(strayed).toFixed(3)}, taps ${taps}`);
  };
  gesture("apart", [[300, 60], [400, 60]], [[250, 60], [450, 60]]);
  gesture("together", [[200, 60], [440, 60]], [[260, 60], [380, 60]]);
  gesture("upright", [[330, 40], [330, 140]], [[330, -10], [330, 190]]);
  gesture("apart and along", [[300, 60], [400, 60]], [[300, 60], [500, 60]]);
  gesture("along", [[300, 60], [400, 60]], [[330, 60], [430, 60]]);
  gesture("as close as can be", [[300, 60], [400, 60]], [[200, 60], [500, 60]], [400000, 30]);
  gesture("two at rest", [[300, 60], [400, 60]], [[300, 60], [400, 60]]);
  gesture("one along", [[300, 60]], [[380, 60]]);
  gesture("one at rest", [[300, 60]], [[300, 60]]);
  say(`the browser may take: ${getComputedStyle(canvas).touchAction}`);
};

/** Runs, forwards and backwards, and files that are refused. */
Jostle.runs = async (say, wanted, programOf) => {
  for (const test of wanted.split(";")) {
    const [program, cpus, seed, parts] = test.split(",");
    const machine = await Jostle.Machine.boot({ program, cpus, seed }, ...programOf(program));
    const end = machine.goTo(2 ** 52);
    const places = Array.from({ length: +parts + 1 }, (_, part) => Math.floor((end * part) / parts));
    const digests = new Map(places.map((place) => [place, (machine.goTo(place), machine.digest())]));
    // Backwards, with a step over each place and back.
    let same = true;
    for (const place of places.toReversed()) {
      machine.goTo(place);
      same &&= machine.digest() === digests.get(place);
      if (place > 0) {
        machine.step(0, true);
        machine.step(0, false);
        same &&= machine.digest() === digests.get(place);
      }
    }
    for (const [place, digest] of digests) say(`${program} ${place} ${digest}`);
    say(`${program} back and forward: ${same ? "same" : "DIFFERENT"}`);
  }
  for (const [name, bytes] of [["text", [104, 105]], ["broken", [127, 69, 76, 70, 1, 1, 1]]]) {
    const why = await Jostle.Machine.boot({ program: name }, Uint8Array.from(bytes)).then(() => "booted", (error) => error.message);
    say(`refused: ${why}`);
  }
};

Jostle.selftest = async (wanted, programOf) => {
  const out = document.createElement("pre");
  out.id = "selftest";
  document.body.append(out);
  const say = (line) => { out.textContent += `${line}\n`; };
  try {
    if (wanted === "fingers") Jostle.fingers(say);
    else await Jostle.runs(say, wanted, programOf);
    say("selftest done");
  } catch (error) {
    say(`selftest failed: ${error.message}`);
  }
};
