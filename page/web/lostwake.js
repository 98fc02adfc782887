// The lesson: three runs of a program with a lost wake-up, each from moment to moment.
//
// The hard thing is to show nothing that is not so. The moments and sentences were made
// when the page was written; where each side is and what is in memory is read from the
// machine, which is moved to each moment.
"use strict";

(async () => {
  const $ = (id) => document.getElementById(id);
  const SLEEPER = "00001000";
  /** Parts of a run shown before and after its moments. */
  const MARGIN = 0.08;

  const notice = (text) => {
    $("notice").textContent = text;
    $("notice").className = "notice error";
    $("notice").hidden = text === "";
  };
  const make = (tag, className = "", text = "") => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.textContent = text;
    return element;
  };

  const missing = Jostle.missing() || (window.JOSTLE_LOSTWAKE ? "" : "The runs (lostwake-runs.js) are not beside this page.");
  if (missing) {
    notice(missing);
    return;
  }
  const told = window.JOSTLE_LOSTWAKE;
  const programs = new Jostle.Programs(window.JOSTLE_PROGRAMS);
  const articles = [...document.querySelectorAll("article")];
  const sides = [...document.querySelectorAll(".sides > section")];
  const timeline = new Jostle.Timeline($("timeline"), $("tip"), (position) => {
    const after = run.moments.findIndex(({ at }) => at > position);
    go((after < 0 ? run.moments.length : Math.max(after, 1)) - 1);
  });

  let step = 0;
  let run = null;
  let machine = null;
  let now = 0;

  // ---- The code of both sides.

  const lines = new Map();
  /** Shows what a program's two sides are. */
  const showCode = ({ code }) => {
    lines.clear();
    const names = ["sleeper", "waker"];
    sides.forEach((side, number) => {
      const parts = code.filter((block) => block.side === names[number]).flatMap(({ path, first, lines: texts }) => {
        const list = make("ol", "code");
        texts.forEach((text, index) => {
          const line = make("li");
          line.append(make("span", "quiet", String(first + index)), make("span", "", text));
          lines.set(`${path}:${first + index}`, line);
          list.append(line);
        });
        return [make("p", "quiet path", path), list];
      });
      side.querySelector(".source").replaceChildren(...parts);
    });
  };
  const mark = (places, name) => {
    for (const line of lines.values()) line.classList.remove("next", "latest");
    for (const place of places) lines.get(place)?.classList.add(...name);
  };

  // ---- Where the run stands.

  /** What the machine says of both sides: their environments, the words that they share. */
  const look = () => {
    const { envs, printed } = machine.state();
    const sleeper = envs.find(({ id }) => id === SLEEPER);
    const waker = envs.find(({ parent }) => parent === SLEEPER);
    const status = (env) => (env ? env.status + (env.cpu === undefined ? "" : ` on CPU ${env.cpu}`) : "gone");
    const env = parseInt((sleeper ?? waker)?.id ?? "0", 16);
    const bytes = env ? machine.json("walk", env, run.words).bytes.split(" ") : [];
    const word = (at) => (bytes.length ? String(parseInt(bytes.slice(at, at + 4).reverse().join(""), 16)) : "–");
    return {
      status: [status(sleeper), status(waker)],
      words: [word(0), word(4)],
      console: new TextDecoder().decode(machine.bytes("console", 0).subarray(0, printed)),
    };
  };

  const go = (number) => {
    now = Math.min(Math.max(number, 0), run.moments.length - 1);
    const moment = run.moments[now];
    machine.goTo(moment.at);
    const seen = look();
    $("count").textContent = `${now + 1} of ${run.moments.length}, at position ${Jostle.grouped(moment.at)}`;
    $("what").textContent = moment.what;
    $("what").classList.toggle("chosen", moment.chosen);
    sides.forEach((side, index) => {
      side.querySelector(".status").textContent = seen.status[index];
      side.querySelector(".stands").textContent = moment.sides[index];
      side.classList.toggle("latest", moment.latest === index);
    });
    mark(moment.lines.filter((line) => line), ["next"]);
    if (moment.latest !== null) lines.get(moment.lines[moment.latest])?.classList.add("latest");
    [$("ready").textContent, $("sleepy").textContent] = seen.words;
    $("console").textContent = seen.console;
    $("console").scrollTop = $("console").scrollHeight;
    for (const button of document.querySelectorAll("[data-move]")) {
      const ahead = ["on", "last"].includes(button.dataset.move);
      button.disabled = ahead ? now === run.moments.length - 1 : now === 0;
    }
    $("link").href = `index.html#${new URLSearchParams({ ...run.request, at: moment.at })}`;
    timeline.show(moment.at, timeline.end, machine, true);
    place();
  };

  /** Boots a run, and goes through it once, so that all of it can be shown. */
  const boot = async () => {
    machine = await Jostle.Machine.boot(run.request, ...programs.of(run.request.program));
    timeline.clear(machine.state().cpus.length);
    const end = machine.goTo(run.moments.at(-1).at + 1e6);
    timeline.take(machine);
    timeline.show(end, end, machine, true);
    const [first, last] = [run.moments[0].at, run.moments.at(-1).at];
    const margin = (last - first) * MARGIN;
    timeline.look(first - margin, last - first + 2 * margin);
  };

  // ---- Steps.

  const place = () => {
    try {
      history.replaceState(null, "", `#${step + 1}${run ? `.${now + 1}` : ""}`);
    } catch {
      // A page from a disk may not be allowed to; then the address stays.
    }
  };

  const show = async (number, moment = 0) => {
    step = Math.min(Math.max(number, 0), articles.length - 1);
    articles.forEach((article, index) => { article.hidden = index !== step; });
    [...$("steps").children].forEach((button, index) => button.setAttribute("aria-current", index === step ? "step" : "false"));
    run = told.runs[articles[step].dataset.run] ?? null;
    $("player").hidden = $("printed").hidden = !run;
    showCode(run ?? told.runs.failing);
    if (run) {
      try {
        await boot();
        timeline.resize();
        go(moment);
      } catch (error) {
        notice(error.message);
        console.error(error);
      }
      return;
    }
    for (const side of sides) {
      side.classList.remove("latest");
      side.querySelector(".status").textContent = side.querySelector(".stands").textContent = "";
    }
    mark(told.gap, ["next"]);
    place();
  };

  const MOVES = {
    first: () => go(0),
    back: () => go(now - 1),
    on: () => go(now + 1),
    last: () => go(Infinity),
  };
  const KEYS = { Home: "first", ArrowLeft: "back", ArrowRight: "on", End: "last" };
  for (const button of document.querySelectorAll("[data-move]")) {
    button.addEventListener("click", () => MOVES[button.dataset.move]());
  }
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const digit = Number(event.key);
    if (digit >= 1 && digit <= articles.length) show(digit - 1);
    else if (run && KEYS[event.key]) MOVES[KEYS[event.key]]();
    else return;
    event.preventDefault();
  });
  $("steps").append(...articles.map((article, number) => {
    const button = make("button", "", `${number + 1} ${article.dataset.title}`);
    button.type = "button";
    button.addEventListener("click", () => show(number));
    return button;
  }));
  const choices = told.runs.failing.choices;
  const fills = {
    decisions: told.decisions,
    count: choices.length,
    choices: choices.join(" "),
    tried: told.tried,
  };
  for (const element of document.querySelectorAll("[data-fill]")) {
    element.textContent = fills[element.dataset.fill];
  }
  timeline.legend($("legend"));

  const fromAddress = () => {
    const [, at, moment] = location.hash.match(/^#(\d)(?:\.(\d+))?$/) ?? [];
    return show((Number(at) || 1) - 1, (Number(moment) || 1) - 1);
  };
  addEventListener("hashchange", fromAddress);
  $("app").hidden = false;

  // ---- The page tests itself, for `jostle test`: what it shows at each moment.

  const selftest = async () => {
    const out = make("pre");
    out.id = "selftest";
    document.body.append(out);
    const say = (line) => { out.textContent += `${line}\n`; };
    const texts = (selector) => sides.map((side) => side.querySelector(selector).textContent).join(" / ");
    const shown = () => `${run.request.program} ${now} ${machine.digest()} / ${texts(".status")} / ${$("ready").textContent} ${$("sleepy").textContent} / ${texts(".stands")}`;
    const press = (key) => document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    try {
      for (let number = 1; number < articles.length; number++) {
        await show(number);
        const forward = [];
        for (let moment = 0; moment < run.moments.length; moment++) {
          if (moment > 0) press("ArrowRight");
          forward.push(shown());
        }
        say(forward.join("\n"));
        let same = true;
        for (const line of forward.toReversed()) {
          same &&= shown() === line;
          press("ArrowLeft");
        }
        const { ended, envs } = machine.state();
        press("End");
        const last = machine.state();
        say(`${run.request.program} back: ${same && !ended && envs.length > 0 ? "same" : "DIFFERENT"}; ended: ${last.ended}, left: ${last.envs.length}, ok: ${$("console").textContent.includes(": ok\n")}`);
      }
      say("selftest done");
    } catch (error) {
      say(`selftest failed: ${error.message}`);
    }
  };
  await (location.hash === "#selftest" ? selftest() : fromAddress());
})();
