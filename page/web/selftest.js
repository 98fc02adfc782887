// The page tests itself, for `jostle test`: #selftest=PROGRAM,CPUS,SEED,PARTS;… runs
// each, goes back and forward in it, and prints digests that the host compares.
"use strict";

Jostle.selftest = async (wanted, programOf) => {
  const out = document.createElement("pre");
  out.id = "selftest";
  document.body.append(out);
  const say = (line) => { out.textContent += `${line}\n`; };
  try {
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
    say("selftest done");
  } catch (error) {
    say(`selftest failed: ${error.message}`);
  }
};
