// The live answer. What is shown comes from two traits, `view` and `page`; what a person does leaves as one message,
// {do: …}. All text enters the page through textContent or a textarea's value, never as HTML.

const MILLISECONDS_BEFORE_REVIEW = 300;
const MILLISECONDS_BEFORE_DOUBT = 4000;
const BIG_VALUE_LENGTH = 40;
const LONG_SENTENCE = 120;

const KEYWORDS = new Set(
  `all and any as asc between by case cast collate create cross current_date current_timestamp desc distinct else end
  except exists explain extract false fetch filter first following for from full group grouping having ilike in inner
  intersect interval into is join last lateral left like limit natural not null nulls offset on only or order outer over
  partition pivot preceding qualify range recursive right rollup row rows select similar table then to true unbounded
  union unpivot using values when where window with within`.split(/\s+/),
);
const TOKEN = new RegExp(
  [
    /(?<comment>--[^\n]*|\/\*[^]*?(?:\*\/|$))/,
    /(?<string>'(?:[^']|'')*'?)/,
    /(?<name>"(?:[^"]|"")*"?|`[^`]*`?)/,
    /(?<number>\b\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?)/,
    /(?<word>[\p{L}_][\p{L}\p{N}_$]*)/,
    /(?<rest>[^])/,
  ]
    .map((part) => part.source)
    .join("|"),
  "gu",
);

function element(tag, { data = {}, aria = {}, ...properties } = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  Object.assign(node.dataset, data);
  for (const [name, value] of Object.entries(aria)) node.setAttribute(`aria-${name}`, value);
  node.append(...children);
  return node;
}

function button(name, text, title, onclick) {
  return element(
    "button",
    { type: "button", className: `t2s-button t2s-${name}`, title, onclick, data: { name } },
    text,
  );
}

function paragraphs(className, texts) {
  return texts.map((text) => element("p", { className }, text));
}

function count(number) {
  return number.toLocaleString("en-US");
}

function coloredSql(sql) {
  return [...sql.matchAll(TOKEN)].map(({ 0: text, groups, index }) => {
    const color = colorOf(text, groups, sql.slice(index + text.length));
    return color ? element("span", { className: `t2s-${color}` }, text) : text;
  });
}

function colorOf(text, groups, after) {
  if (groups.word === undefined)
    return Object.keys(groups).find((kind) => kind !== "rest" && groups[kind] !== undefined);
  if (KEYWORDS.has(text.toLowerCase())) return "keyword";
  return after.startsWith("(") ? "call" : "";
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // A page served over plain http has no clipboard; the old command still works there.
    const carrier = element("textarea", { value: text, className: "t2s-live" });
    document.body.append(carrier);
    carrier.select();
    const isCopied = document.execCommand("copy");
    carrier.remove();
    return isCopied;
  }
}

function download(name, data) {
  const address = URL.createObjectURL(new Blob([data], { type: "text/csv;charset=utf-8" }));
  element("a", { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}

function cellOf([text, kind, isCut], isNumeric, expand) {
  const cell = element("td", { className: `t2s-cell t2s-is-${kind}`, dir: "auto" }, kind === "empty" ? "''" : text);
  if (isNumeric) cell.classList.add("t2s-is-right");
  if (isCut)
    cell.append(
      element(
        "button",
        { type: "button", className: "t2s-more", title: "Show the whole value", onclick: () => expand(cell) },
        "more",
      ),
    );
  return cell;
}

function tableOf(page, expand) {
  const heads = page.columns.map(({ name, type, isNumeric }) =>
    element("th", { scope: "col", title: type, className: isNumeric ? "t2s-is-right" : "", dir: "auto" }, name),
  );
  const lines = page.rows.map((row, r) =>
    element(
      "tr",
      {},
      ...row.map((cell, c) =>
        cellOf(cell, page.columns[c].isNumeric, (td) => expand(td, page.firstRow + r, page.firstColumn + c)),
      ),
    ),
  );
  return element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...lines));
}

function pager(label, first, size, total, turn) {
  if (total <= size) return "";
  const last = Math.min(first + size, total);
  const before = button("before", "‹", `Previous ${label}`, () => turn(first - size));
  const after = button("after", "›", `Next ${label}`, () => turn(first + size));
  before.disabled = first === 0;
  after.disabled = last === total;
  return element(
    "span",
    { className: "t2s-pager" },
    before,
    `${label} ${count(first + 1)}–${count(last)} of ${count(total)}`,
    after,
  );
}

function render({ model, el }) {
  const asked = new Set();
  const send = (act, content = {}) => model.send({ do: act, ...content });
  const ask = (act, content) => (asked.add(act), send(act, content));
  const askWithSql = (act) => () => ask(act, { sql: editor.value });

  const words = element("p", { className: "t2s-words" });
  const certainty = element("span", {
    className: "t2s-certainty",
    title: "How probable it is that this SQL is right, by the LM's own estimate",
  });
  const head = element("header", { className: "t2s-head" }, words, certainty);
  const notices = element("div");
  const assumptions = element("ul", { className: "t2s-assumptions" });
  const readings = element("div", {
    className: "t2s-readings",
    role: "group",
    aria: { label: "Readings of the question" },
  });
  const mark = element("pre", { className: "t2s-mark", aria: { hidden: "true" } });
  const paint = element("pre", { className: "t2s-paint", aria: { hidden: "true" } });
  const editor = element("textarea", {
    className: "t2s-editor",
    spellcheck: false,
    autocomplete: "off",
    rows: 1,
    placeholder: "Write SQL here",
    aria: { label: "SQL. Control and Enter runs it." },
    data: { name: "editor", lmSuppressShortcuts: "true" },
  });
  const problem = element("p", { className: "t2s-problem" });
  const run = button("run", "Run", "Run this SQL, read-only (Ctrl+Enter)", start);
  const cancel = button("cancel", "Cancel", "Stop the statement (Esc)", () => send("cancel"));
  const elapsed = element("span", { className: "t2s-elapsed" });
  const copy = button(
    "copy",
    "Copy as %%sql cell",
    "Copy this SQL as the text of a %%sql cell",
    askWithSql("for_cell"),
  );
  const approve = button("approve", "👍", "This answers my question", askWithSql("approve"));
  const reject = button("reject", "👎", "This does not answer my question", askWithSql("reject"));
  approve.setAttribute("aria-label", approve.title);
  reject.setAttribute("aria-label", reject.title);
  const said = element("p", { className: "t2s-said" });
  const rows = element("section", { className: "t2s-rows", aria: { label: "Rows" } });
  const provenance = element("p", { className: "t2s-provenance" });
  const promptText = element("pre", { className: "t2s-prompt-text" });
  const prompt = element(
    "details",
    { className: "t2s-prompt" },
    element("summary", { data: { name: "prompt" } }, "Prompt that was sent"),
    promptText,
  );
  const status = element("p", { className: "t2s-live", role: "status" });
  const bar = element(
    "div",
    { className: "t2s-bar" },
    run,
    cancel,
    elapsed,
    copy,
    element("span", { className: "t2s-space" }),
    approve,
    reject,
  );
  const root = element(
    "article",
    { className: "t2s", aria: { label: "Answer" } },
    head,
    notices,
    assumptions,
    readings,
    element("div", { className: "t2s-sql" }, mark, paint, editor),
    problem,
    bar,
    said,
    provenance,
    prompt,
    rows,
    status,
  );

  // The editor: a textarea with transparent text over the same text in colors. Edits reach the kernel in a moment.

  let editing = 0;
  let loaded = -1;

  function takeEdit() {
    clearTimeout(editing);
    editing = 0;
  }

  function sendEdit() {
    if (editing) send("edit", { sql: editor.value });
    takeEdit();
  }

  function showSql() {
    const { span, readSql, tableSql, isRunning, isWriting, canRun, problem: text } = model.get("view");
    const sql = editor.value;
    const isRead = sql === readSql;
    const [start, end] = isRead && text && span ? span : [0, 0];
    paint.replaceChildren(...coloredSql(sql), "\n");
    mark.replaceChildren(sql.slice(0, start), element("mark", {}, sql.slice(start, end)), sql.slice(end), "\n");
    root.classList.toggle("t2s-is-unread", !isRead);
    root.classList.toggle("t2s-is-stale", sql.trim() !== tableSql.trim());
    run.disabled = isRunning || isWriting || (isRead && !canRun) || !sql.trim();
  }

  // Running.

  let doubt = 0;
  let clock = 0;
  let since = null;

  function start() {
    if (run.disabled) return;
    takeEdit();
    run.disabled = true;
    send("run", { sql: editor.value });
    doubt = setTimeout(
      () => tell("The kernel has not answered yet: it is busy with another cell, or it has gone."),
      MILLISECONDS_BEFORE_DOUBT,
    );
  }

  function showClock() {
    elapsed.textContent = `${Math.floor((Date.now() - since) / 1000)} s`;
  }

  function showRunning(isRunning) {
    cancel.hidden = elapsed.hidden = !isRunning;
    clearInterval(clock);
    since = isRunning ? (since ?? Date.now()) : null;
    if (isRunning) {
      clock = setInterval(showClock, 250);
      showClock();
    }
  }

  // Showing the two traits.

  function tell(text) {
    said.textContent = text;
    said.hidden = !text;
  }

  function showView() {
    const view = model.get("view");
    clearTimeout(doubt);
    if (view.isWriting || view.loaded !== loaded || (document.activeElement !== editor && !editing))
      editor.value = view.sql;
    loaded = view.isWriting ? -1 : view.loaded;
    editor.readOnly = view.isWriting;
    bar.hidden = view.isWriting;
    root.classList.toggle("t2s-is-writing", view.isWriting);
    words.textContent = view.isWriting ? "Writing the SQL …" : view.words;
    words.classList.toggle("t2s-is-long", view.words.length > LONG_SENTENCE);
    head.hidden = !words.textContent;
    certainty.textContent = view.isAbstained && view.certainty ? "not sure" : view.certainty;
    certainty.hidden = !certainty.textContent;
    certainty.classList.toggle("t2s-is-unsure", view.isAbstained);
    notices.replaceChildren(...paragraphs("t2s-notice", view.notices));
    assumptions.replaceChildren(...view.assumptions.map((text) => element("li", {}, text)));
    assumptions.hidden = !view.assumptions.length;
    showReadings(view);
    problem.textContent = view.problem;
    problem.hidden = !view.problem;
    provenance.textContent = view.provenance.join(" · ");
    prompt.hidden = !view.hasPrompt;
    showRunning(view.isRunning);
    showSql();
    root.classList.toggle("t2s-is-running", view.isRunning);
    status.textContent = view.isWriting
      ? "Writing the SQL"
      : view.isRunning
        ? "Running"
        : view.problem || model.get("page").line || "";
  }

  function showReadings(view) {
    const others = view.readings.filter(({ sql }) => sql !== view.sql);
    readings.hidden = !others.length;
    const choices = others.map(({ sql, words: text, certainty: sure }) => {
      const choice = button("reading", "", sql, () => (takeEdit(), send("choose", { sql })));
      choice.append(element("span", {}, text || sql), element("span", { className: "t2s-certainty" }, sure));
      return choice;
    });
    readings.replaceChildren(element("p", { className: "t2s-label" }, "Did you mean …"), ...choices);
  }

  function showPage() {
    const page = model.get("page");
    rows.hidden = !page.line;
    if (!page.line) return;
    const turn = (row, column) => send("page", { row, column });
    rows.replaceChildren(
      element(
        "p",
        { className: "t2s-stale-note" },
        "These rows are of another SQL than the one above. Run it to see its own.",
      ),
      rowsOf(page),
      ...paragraphs("t2s-note", page.notes),
      element(
        "div",
        { className: "t2s-bar t2s-under" },
        element("span", { className: "t2s-line" }, page.line),
        pager("rows", page.firstRow, page.pageRows, page.rowCount, (row) => turn(row, page.firstColumn)),
        pager("columns", page.firstColumn, page.pageColumns, page.columnCount, (column) => turn(page.firstRow, column)),
        element("span", { className: "t2s-space" }),
        button("copy-rows", "Copy rows", "Copy all fetched rows, to paste into a spreadsheet", () => ask("copy_rows")),
        button("csv", "CSV", "Download all fetched rows as CSV", () => ask("csv")),
      ),
    );
  }

  function rowsOf(page) {
    if (!page.rowCount) return "";
    const [text, kind] = page.rows[0][0];
    if (page.isOneValue && text.length <= BIG_VALUE_LENGTH) {
      return element(
        "div",
        { className: "t2s-one" },
        element("p", { className: "t2s-label", dir: "auto" }, page.columns[0].name),
        element("p", { className: `t2s-value t2s-is-${kind}`, dir: "auto" }, kind === "empty" ? "''" : text),
      );
    }
    const scroller = element("div", {
      className: "t2s-scroll",
      tabIndex: 0,
      role: "region",
      aria: { label: "Table of rows" },
      data: { name: "rows" },
    });
    scroller.append(
      tableOf(page, (cell, row, column) => ((cell.dataset.at = `${row} ${column}`), ask("cell", { row, column }))),
    );
    return scroller;
  }

  // What the kernel answers to a request of this view.

  const answers = {
    cell({ row, column, text }) {
      const cell = rows.querySelector(`[data-at="${row} ${column}"]`);
      cell?.replaceChildren(element("pre", { className: "t2s-whole", tabIndex: 0 }, text));
    },
    csv(_, [data]) {
      download("rows.csv", data);
      tell("The rows were downloaded as rows.csv.");
    },
    async copy_rows(_, [data]) {
      tell(
        (await copied(new TextDecoder().decode(data)))
          ? "The rows are on the clipboard."
          : "The browser refused to copy.",
      );
    },
    async for_cell({ text, isRefused }) {
      if (isRefused) tell(text);
      else
        tell(
          (await copied(text))
            ? "The %%sql cell is on the clipboard. Paste it into a new cell."
            : `The browser refused to copy. The cell is:\n${text}`,
        );
    },
    approve({ text, isRefused }) {
      tell(text);
      approve.setAttribute("aria-pressed", !isRefused);
    },
    reject({ text, isRefused }) {
      tell(text);
      reject.setAttribute("aria-pressed", !isRefused);
    },
    prompt({ text }) {
      promptText.textContent = text;
    },
  };

  function hear(content, buffers) {
    if (asked.delete(content.did)) answers[content.did]?.(content, buffers);
  }

  // Listening. The keys work wherever the focus is in the answer, and do not reach the notebook.

  editor.addEventListener("input", () => {
    clearTimeout(editing);
    editing = setTimeout(sendEdit, MILLISECONDS_BEFORE_REVIEW);
    showSql();
  });
  editor.addEventListener("blur", sendEdit);
  prompt.addEventListener("toggle", () => prompt.open && ask("prompt"));
  root.addEventListener("keydown", (event) => {
    const isRun = event.key === "Enter" && (event.ctrlKey || event.metaKey || event.shiftKey);
    if (isRun) start();
    else if (event.key === "Escape" && !cancel.hidden) send("cancel");
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  showView();
  showPage();
  tell("");
  model.on("change:view", showView);
  model.on("change:page", showPage);
  model.on("msg:custom", hear);
  el.append(root);

  return () => {
    takeEdit();
    clearTimeout(doubt);
    clearInterval(clock);
    model.off("change:view", showView);
    model.off("change:page", showPage);
    model.off("msg:custom", hear);
  };
}

export default { render };
