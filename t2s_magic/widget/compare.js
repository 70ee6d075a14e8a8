// The live comparison. What is shown comes from one trait, `state`; what a person does leaves as one message,
// {do: …, label: …}. All text enters the page through textContent, never as HTML.

function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

function percent(share) {
  return `${(100 * share).toFixed(1)}%`; // CSS takes no space before the sign
}

function bar(share) {
  if (!share) return "";
  const [low, middle, high] = share;
  const range = element("span", { className: "t2s-range" });
  range.style.left = percent(low);
  range.style.width = percent(high - low);
  const point = element("span", { className: "t2s-point" });
  point.style.left = percent(middle);
  return element("span", { className: "t2s-bar", ariaHidden: "true" }, range, point);
}

function step(row) {
  if (!row.total) return row.doing;
  return element(
    "span",
    {},
    `${row.doing} ${row.done} of ${row.total}, ${row.right} right `,
    element("progress", { max: row.total, value: row.done, ariaLabel: `${row.label}: ${row.doing}` }),
  );
}

function line(row, state, send) {
  const use = element("button", {
    type: "button",
    className: "t2s-button",
    textContent: state.used === row.label ? "In use" : "Use this program",
    disabled: state.used === row.label,
    onclick: () => send("use", row.label),
  });
  const cells = [
    [row.label, row.program ? use : ""],
    [step(row), element("div", { className: "t2s-quiet" }, row.cost)],
    share(row.valset),
    [...share(row.heldOut), bar(row.share)],
    [row.verdict],
  ];
  return element("tr", {}, ...cells.map((cell) => element("td", {}, ...cell)));
}

// A share and its interval, which may stand in two lines and break nowhere else.
function share(text) {
  const [figure, interval] = text.split(" [");
  const parts = interval ? [figure, `[${interval}`] : [figure];
  return parts.flatMap((part) => [element("span", { className: "t2s-share" }, part), " "]);
}

function table(columns, lines) {
  const head = element("tr", {}, ...columns.map((name) => element("th", { scope: "col" }, name)));
  const shown = element("table", {}, element("thead", {}, head), element("tbody", {}, ...lines));
  return element("div", { className: "t2s-wide" }, shown);
}

function answer(given) {
  const mark = given.isRight ? "✓ right" : "✗ wrong";
  const parts = [element("div", {}, mark), element("code", {}, given.sql || "no SQL")];
  return element("td", { className: given.isRight ? "t2s-right" : "t2s-wrong" }, ...parts, result(given.result));
}

function result(text) {
  return element("div", { className: "t2s-result" }, text);
}

function flips(flip) {
  const lines = flip.questions.map((each) => {
    const gold = element("td", {}, element("code", {}, each.gold.sql), result(each.gold.result));
    return element("tr", {}, element("td", {}, each.question), answer(each.first), answer(each.second), gold);
  });
  const title = `${flip.questions.length} held-out questions flipped with ${flip.label}`;
  const shown = table(["question", "none", flip.label, "what is right"], lines);
  return element("details", {}, element("summary", {}, title), shown);
}

function program(row) {
  const lines = row.demos.map(([question, sql]) =>
    element("tr", {}, element("td", {}, question), element("td", {}, element("code", {}, sql))),
  );
  const title = `What ${row.label} shows the LM: instructions and ${row.demos.length} demos`;
  const instructions = element("p", { className: "t2s-instructions" }, row.instructions);
  return element("details", {}, element("summary", {}, title), instructions, table(["demo", "its SQL"], lines));
}

function render({ model, el }) {
  const send = (act, label = "") => model.send({ do: act, label });
  const draw = () => {
    const state = model.get("state");
    const open = [...el.querySelectorAll("details[open] > summary")].map((summary) => summary.textContent);
    const act = state.isRunning ? "stop" : "resume";
    const button = element("button", {
      type: "button",
      className: "t2s-button",
      textContent: state.isRunning ? "Stop" : "Resume",
      onclick: () => send(act),
    });
    const columns = ["program", "step and cost", "valset", "held out, 0 … 100 %", "against none"];
    const lines = state.rows.map((row) => line(row, state, send));
    const notes = state.notes.map((note) => element("p", {}, note));
    const parts = [
      element("p", { className: "t2s-quiet" }, state.title),
      table(columns, lines),
      ...(state.isRunning || state.canResume ? [button] : []),
      element("div", { role: "status" }, ...notes),
      ...state.flips.map(flips),
      ...state.rows.filter((row) => row.instructions).map(program),
    ];
    el.replaceChildren(element("div", { className: "t2s t2s-compare" }, ...parts));
    el.querySelectorAll("details").forEach((details) => {
      details.open = open.includes(details.firstChild.textContent);
    });
  };
  model.on("change:state", draw);
  draw();
  return () => model.off("change:state", draw);
}

export default { render };
