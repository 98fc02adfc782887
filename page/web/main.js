// The page: from a link to a machine, and from keys and buttons to its positions.
//
// The hard thing is time. A run takes seconds, a frame takes a sixtieth of one; so the
// machine runs in stretches that fit a frame, and everything else waits its turn.
"use strict";

(async () => {
  const $ = (id) => document.getElementById(id);
  /** Milliseconds of a frame that the machine may have. */
  const BUDGET = 12;
  /** Milliseconds between two looks at all panels, in a hurry. */
  const PAUSE = 120;
  /** A first look at the page. */
  const FIRST = { program: "forktree", cpus: "4", seed: "0", at: "60000" };
  /** Milliseconds in which one looks ahead of where a link leads. */
  const AHEAD = 400;

  const notice = (text, kind = "error") => {
    $("notice").textContent = text;
    $("notice").className = `notice ${kind}`;
    $("notice").hidden = text === "";
  };

  const missing = Jostle.missing();
  if (missing) {
    notice(missing);
    return;
  }

  const ours = new Jostle.Programs(window.JOSTLE_PROGRAMS);
  const programOf = (name) => ours.of(name);

  const test = location.hash.match(/^#selftest=(.*)/);
  if (test) {
    await Jostle.selftest(decodeURIComponent(test[1]), programOf);
    return;
  }

  let machine = null;
  let state = null;
  let run = {};
  /** A file that was dropped: its name and bytes. */
  let dropped = null;
  let playing = false;
  let owed = 0;
  let stretch = 20000;
  let looked = 0;

  const panels = new Jostle.Panels((cpu, length) => byHand(() => machine.choose(cpu, length), true));
  const timeline = new Jostle.Timeline($("timeline"), $("tip"), (position) => goTo(position));
  timeline.legend($("legend"));

  // ---- What is booted.

  const option = (value, text) => new Option(text ?? value, value);
  const programs = document.createElement("optgroup");
  programs.label = "our programs";
  programs.append(...[...ours.files.keys()].map((name) => option(name)));
  $("program").append(option("prompt", "prompt: asks what to run"), programs);
  $("cpus").append(...Array.from({ length: 8 }, (_, number) => option(String(number + 1))));

  const describe = (choices) => {
    const name = $("program").value;
    const what = name === "prompt" ? "Runs the other programs, by name: type below the console" : ours.files.get(name)?.what ?? "a file of yours";
    const schedule = choices === undefined ? "" : ` A schedule in the link decides in the place of a pace: ${choices || "without a choice"}.`;
    $("what").textContent = `${what}.${schedule}`;
  };
  $("program").addEventListener("change", () => describe());

  const fill = (wanted) => {
    if (dropped && ![...$("program").options].some((known) => known.value === dropped.name)) {
      $("program").append(option(dropped.name, `${dropped.name} (yours)`));
    }
    $("program").value = wanted.program;
    $("args").value = wanted.args ?? "";
    $("cpus").value = wanted.cpus ?? "2";
    $("seed").value = wanted.seed ?? "0";
    $("pace").value = wanted.pace ?? "fair";
    $("buffers").checked = wanted.buffers === "1";
    describe(wanted.choices);
  };

  const asked = () => ({
    program: $("program").value,
    args: $("args").value,
    cpus: $("cpus").value,
    seed: $("seed").value.trim(),
    pace: $("pace").value,
    buffers: $("buffers").checked ? "1" : "",
  });

  const boot = async (wanted, at, hand) => {
    stop();
    notice("");
    try {
      const isDropped = dropped && wanted.program === dropped.name;
      if (!isDropped && wanted.program.startsWith("./")) {
        throw new Jostle.Refusal(`This link is about a file of somebody's: drop ${wanted.program.slice(2)} on this page, and boot.`);
      }
      const parts = isDropped ? [dropped.bytes] : programOf(wanted.program);
      const request = { ...wanted };
      if (isDropped) request.program = dropped.name.slice(2);
      if (!request.pace) request.pace = "fair";
      // It starts others, for which it needs a call that lab 4 lacks.
      if (wanted.program === "prompt") request.personality ||= "lab6";
      machine = await Jostle.Machine.boot(request, ...parts);
      run = wanted;
      const cpus = machine.state().cpus.length;
      timeline.clear(cpus);
      timeline.end = 0;
      timeline.fit();
      panels.clear(cpus);
      if (hand) {
        const why = machine.repeat(hand);
        if (why) notice(`Of the link's changes by hand: ${why}`);
      }
      if (at !== undefined) {
        const place = machine.goTo(Math.min(Math.max(Number(at) || 0, 0), 2 ** 52));
        const start = performance.now();
        for (let last = -1, end = place; end !== last && performance.now() - start < AHEAD;) {
          last = end;
          end = machine.run(50000);
        }
        machine.goTo(place);
        look();
      } else {
        play();
      }
    } catch (error) {
      notice(error.message);
      if (!(error instanceof Jostle.Refusal)) console.error(error);
    }
  };

  const bootLink = () => {
    const link = Jostle.Link.read();
    const { at, hand, ...rest } = link.program ? link : FIRST;
    fill(rest);
    return boot(rest, at, hand);
  };

  $("setup").addEventListener("submit", (event) => {
    event.preventDefault();
    boot(asked());
  });
  addEventListener("hashchange", bootLink);

  // ---- Files.

  const open = async (file) => {
    if (!file) return;
    if (file.size > 8 * 2 ** 20) {
      notice(`${file.name}: ${Math.ceil(file.size / 2 ** 20)} MiB; this page takes at most 8 MiB.`);
      return;
    }
    try {
      dropped = { name: `./${file.name}`, bytes: new Uint8Array(await file.arrayBuffer()) };
    } catch {
      notice(`${file.name} cannot be read: is it a folder?`);
      return;
    }
    fill({ ...asked(), program: dropped.name, args: "" });
    await boot(asked());
  };
  $("open").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", () => { open($("file").files[0]); $("file").value = ""; });
  addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dropping"); });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    open(event.dataTransfer.files[0]);
  });

  // ---- Where it stands.

  /** Looks at the machine; in a hurry, not at everything. */
  const look = () => {
    state = machine.state();
    timeline.take(machine);
    timeline.show(state.position, state.end, machine, !playing);
    const now = performance.now();
    if (!playing || now - looked > PAUSE) {
      looked = now;
      panels.show(machine, state, !playing);
    }
    const slider = $("slider");
    slider.max = state.end;
    slider.value = state.position;
    slider.setAttribute("aria-valuetext", `${state.position} of ${state.end}`);
    if (document.activeElement !== $("at")) $("at").value = state.position;
    const more = state.ended && state.position === state.end ? ", the end of the run"
      : state.asleep ? ", asleep until a key is typed" : state.whole ? "" : ", and further";
    $("of").textContent = `of ${Jostle.grouped(state.end)}${more}`;
    $("play").textContent = playing ? "Pause" : state.ended && state.position === state.end ? "Again" : "Run";
    if (state.lost > 0) notice(`${Jostle.grouped(state.lost)} records found no room: the timeline ends before the run does.`, "");
    if (!playing) Jostle.Link.write(here());
  };

  const here = () => ({ ...run, at: state ? String(state.position) : undefined, hand: state?.hands });

  /** Does something with the machine; what goes wrong is said. */
  const act = (what) => {
    if (!machine) return;
    try {
      what();
      look();
    } catch (error) {
      playing = false;
      notice(error.message);
      console.error(error);
    }
  };

  const goTo = (position) => {
    stop();
    act(() => machine.goTo(position));
  };

  const step = (unit, back) => {
    stop();
    act(() => machine.step(unit, back));
  };

  /** Changes what comes next; the timeline begins anew, as its future is another. */
  const byHand = (change, steps) => {
    stop();
    act(() => {
      const before = machine.state();
      change();
      timeline.clear(before.cpus.length);
      if (steps) machine.run(1);
    });
  };

  // ---- Running.

  const play = () => {
    if (!machine || playing) return;
    playing = true;
    owed = 0;
    let last = performance.now();
    const frame = (now) => {
      if (!playing) return;
      const passed = Math.min(now - last, 100);
      last = now;
      act(() => {
        const moved = forward(passed);
        if (!moved) playing = false;
      });
      if (playing) requestAnimationFrame(frame);
    };
    act(() => {
      state = machine.state();
      if (state.ended && state.position === state.end) machine.goTo(0);
    });
    requestAnimationFrame(frame);
  };

  /** Goes on by a frame's worth; returns whether the run goes on. */
  const forward = (passed) => {
    const speed = Number($("speed").value);
    const start = performance.now();
    let at = machine.run(0);
    if (speed > 0) {
      owed += (speed * passed) / 1000;
      const whole = Math.floor(owed);
      owed -= whole;
      return whole === 0 || machine.run(whole) === at + whole;
    }
    while (performance.now() - start < BUDGET) {
      const before = performance.now();
      const next = machine.run(stretch);
      const took = performance.now() - before;
      if (next - at < stretch) return false;
      at = next;
      stretch = Math.round(Math.min(Math.max(stretch * (took < BUDGET / 4 ? 1.5 : took > BUDGET ? 0.5 : 1), 500), 5e6));
    }
    return true;
  };

  const stop = () => {
    if (!playing) return;
    playing = false;
    act(() => {});
  };

  // ---- Buttons, keys, the slider.

  $("play").addEventListener("click", () => (playing ? stop() : play()));
  for (const button of document.querySelectorAll("[data-on]")) {
    button.addEventListener("click", () => step(Number(button.dataset.on), false));
  }
  for (const button of document.querySelectorAll("[data-back]")) {
    button.addEventListener("click", () => step(Number(button.dataset.back), true));
  }
  for (const button of document.querySelectorAll("[data-go]")) {
    button.addEventListener("click", () => goTo(button.dataset.go === "start" ? 0 : state?.end ?? 0));
  }
  $("slider").addEventListener("input", () => goTo(Number($("slider").value)));
  $("at").addEventListener("change", () => {
    const position = Number($("at").value.replaceAll(",", ""));
    if (Number.isSafeInteger(position) && position >= 0) {
      notice("");
      goTo(position);
    } else {
      notice(`“${$("at").value}” is no position: a whole number from 0.`);
    }
  });
  $("closer").addEventListener("click", () => timeline.zoom(0.5));
  $("farther").addEventListener("click", () => timeline.zoom(2));
  $("fit").addEventListener("click", () => timeline.fit());
  $("copy").addEventListener("click", async () => {
    const copied = await Jostle.Link.copy(here());
    const file = run.program?.startsWith("./") ? " It does not hold your file: whoever opens it drops the same one." : "";
    notice((copied ? "The link is on the clipboard." : "The link is in the address bar.") + file, "good");
    setTimeout(() => notice(""), 4000);
  });
  const type = (text) => {
    byHand(() => machine.type(text), false);
    play();
  };
  $("typing").addEventListener("submit", (event) => {
    event.preventDefault();
    type(`${$("line").value}\r`);
    $("line").value = "";
  });
  $("interrupt").addEventListener("click", () => type("\x03"));

  const KEYS = {
    " ": () => (playing ? stop() : play()),
    ArrowRight: (event) => step(event.shiftKey ? 1 : 0, false),
    ArrowLeft: (event) => step(event.shiftKey ? 1 : 0, true),
    n: () => step(2, false),
    p: () => step(2, true),
    Home: () => goTo(0),
    End: () => goTo(state?.end ?? 0),
    "+": () => timeline.zoom(0.5),
    "-": () => timeline.zoom(2),
    "0": () => timeline.fit(),
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inField = event.target.closest("input:not([type=range], [type=checkbox]), select, textarea");
    const pressesButton = event.key === " " && event.target.closest("button, summary, [type=checkbox]");
    const key = KEYS[event.key];
    if (!key || inField || pressesButton) return;
    event.preventDefault();
    key(event);
  });

  $("app").hidden = false;
  timeline.resize();
  await bootLink();
})();
