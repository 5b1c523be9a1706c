// Sorts, searches and draws what the page already says. Text of the page is never made into HTML.
"use strict";

const FIRST_SHOWN = 50;
const SEVERITIES = ["high", "medium", "low", "info"];
const BLUE = "#0072b2", ORANGE = "#d55e00";

const number = (text) => (text === "" ? NaN : Number(text.replaceAll(",", "")));
const cellText = (row, place) => row.cells[place].textContent.trim();
const byWords = new Intl.Collator("en", { numeric: true }).compare;

/** Order by currency; what has none, and so no amount, stands last. */
function byCurrency(a, b) {
  return (a === "") - (b === "") || byWords(a, b);
}

/** Return what tells the order of two rows; amounts compare within their currency. */
function comparison(kind, place, currency, sign) {
  if (kind === "severity") {
    return (a, b) => sign * (SEVERITIES.indexOf(cellText(a, place)) - SEVERITIES.indexOf(cellText(b, place)));
  }
  if (kind === "text") {
    return (a, b) => sign * byWords(cellText(a, place), cellText(b, place));
  }
  return (a, b) => {
    const apart = kind === "money" ? byCurrency(cellText(a, currency), cellText(b, currency)) : 0;
    const [x, y] = [number(cellText(a, place)), number(cellText(b, place))];
    if (apart || (Number.isNaN(x) && Number.isNaN(y))) return apart;
    if (Number.isNaN(x)) return 1; // what is not known stands last, in either order
    return Number.isNaN(y) ? -1 : sign * (x - y);
  };
}

/** Let a table be searched, filtered, sorted, and shown in parts. */
function enliven(table) {
  const form = document.querySelector(`[data-tools="${table.id}"]`);
  const status = document.querySelector(`[data-status="${table.id}"]`);
  const more = document.querySelector(`[data-more="${table.id}"]`);
  const heads = [...table.tHead.rows[0].cells];
  const currency = heads.findIndex((head) => head.textContent === "Currency");
  const severity = heads.findIndex((head) => head.textContent === "Severity");
  let rows = [...table.tBodies[0].rows];
  let limit = FIRST_SHOWN;
  const words = new Map();

  function wordsOf(row) {
    if (!words.has(row)) words.set(row, row.textContent.toLowerCase());
    return words.get(row);
  }

  function isWanted(row, wanted) {
    return wanted.text.every((word) => wordsOf(row).includes(word))
      && (!wanted.severity || cellText(row, severity) === wanted.severity)
      && (!wanted.check || row.dataset.check === wanted.check)
      && (!wanted.cause || row.dataset.cause === wanted.cause)
      && (!wanted.currency || cellText(row, currency) === wanted.currency);
  }

  function show() {
    const fields = Object.fromEntries(new FormData(form));
    const wanted = { ...fields, text: fields.text.toLowerCase().split(/\s+/).filter(Boolean) };
    let found = 0;
    for (const row of rows) {
      if (isWanted(row, wanted)) found += 1;
      else { row.hidden = true; continue; }
      row.hidden = found > limit;
    }
    const shown = Math.min(found, limit);
    status.textContent = found === rows.length
      ? `${shown.toLocaleString("en")} of ${found.toLocaleString("en")} shown`
      : `${found.toLocaleString("en")} of ${rows.length.toLocaleString("en")} match, ${shown.toLocaleString("en")} shown`;
    more.hidden = found <= limit;
  }

  function sortBy(head, place) {
    const isNumber = head.dataset.sort === "money" || head.dataset.sort === "number";
    const last = head.getAttribute("aria-sort"); // of figures the largest come first
    const isDown = last ? last === "ascending" : isNumber;
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", isDown ? "descending" : "ascending");
    rows.sort(comparison(head.dataset.sort, place, currency, isDown ? -1 : 1));
    table.tBodies[0].append(...rows);
    show();
  }

  heads.forEach((head, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sortBy(head, place));
    head.replaceChildren(button);
  });
  const offer = (name, valueOf, shown = (value) => value) => {
    const values = [...new Set(rows.map(valueOf))].filter(Boolean).sort();
    form.elements[name]?.append(...values.map((value) => new Option(shown(value), value)));
  };
  offer("currency", (row) => cellText(row, currency));
  offer("cause", (row) => row.dataset.cause, (cause) => cause.replaceAll("_", " "));
  const begin = () => { limit = FIRST_SHOWN; show(); };
  form.addEventListener("input", begin);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(begin));
  more.addEventListener("click", (event) => {
    const add = event.target.dataset.add;
    if (!add) return;
    limit = add === "all" ? Infinity : limit + Number(add);
    show();
  });
  form.hidden = false;
  show();
  return form;
}

for (const id of ["findings-table", "subscribers-table"]) {
  const table = document.getElementById(id);
  if (!table) continue;
  const form = enliven(table);
  if (id !== "findings-table") continue;
  for (const link of document.querySelectorAll("[data-show]")) {
    link.addEventListener("click", () => {
      form.reset();
      form.elements.check.value = link.dataset.show;
      form.elements.cause.value = link.dataset.cause || "";
    });
  }
}

/** Return text that Plotly shows as it is: it would read some tags as its own. */
function label(text, most = 28) {
  const letters = [...text];
  const cut = letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : text;
  return cut.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Return the rows with an empty one wherever days are missing: no line is drawn across them. */
function withGaps(rows, day) {
  const DAY = 86_400_000;
  return rows.flatMap((row, place) => {
    const isApart = place > 0 && Date.parse(row[day]) - Date.parse(rows[place - 1][day]) > DAY;
    if (!isApart) return [row];
    const none = row.map(() => "");
    none[day] = new Date(Date.parse(row[day]) - DAY).toISOString().slice(0, 10);
    return [none, row];
  });
}

function line(days, x, y, name, colour, dash) {
  const rows = withGaps(days, x);
  return {
    type: "scatter", mode: "lines+markers", name, line: { color: colour, width: 2, dash },
    marker: { color: colour, size: 4 },
    x: rows.map((row) => row[x]), y: rows.map((row) => (row[y] === "" ? null : number(row[y]))),
    text: rows.map((row) => row[y]), hovertemplate: `%{x|%Y-%m-%d}: %{text}<extra>${name}</extra>`,
  };
}

/** Return bars from the first row, on top, to the last; rows are told apart by place, not by name. */
function bars(rows, name, value, words) {
  return {
    data: [{
      type: "bar", orientation: "h", marker: { color: BLUE }, y: rows.map((_, place) => place),
      x: rows.map((row) => number(row[value])), text: rows.map((row) => row[value]),
      textposition: "auto", hovertext: rows.map((row) => `${label(row[name], 60)}: ${row[value]}`),
      hoverinfo: "text",
    }],
    layout: {
      yaxis: {
        autorange: "reversed", tickvals: rows.map((_, place) => place), automargin: true,
        ticktext: rows.map((row) => label(row[name], window.innerWidth < 700 ? 14 : 28)),
      },
      xaxis: { title: { text: words }, rangemode: "tozero" }, showlegend: false,
    },
  };
}

const DRAWINGS = {
  transactions: (rows) => ({ data: [line(rows, 0, 1, "Transactions", BLUE)], layout: { showlegend: false } }),
  money: (rows) => ({
    data: [line(rows, 1, 2, "Credits", BLUE), line(rows, 1, 3, "Debits", ORANGE, "dot")],
    layout: { yaxis: { title: { text: label(rows[0][0], 12) }, rangemode: "tozero", automargin: true } },
  }),
  errors: (rows) => {
    const unusual = rows.filter((row) => row[4]);
    const marks = {
      ...line(unusual, 0, 1, "Unusually many", ORANGE), mode: "markers",
      marker: { color: ORANGE, symbol: "diamond", size: 11 },
    };
    return { data: [line(rows, 0, 1, "Errors", BLUE), marks], layout: {} };
  },
  actions: (rows) => bars(rows, 0, 1, "Transactions"),
  exposure: (rows) => bars(rows, 1, 2, `Exposure, ${label(rows[0][0], 12)}`),
  causes: (rows) => bars(rows, 0, 1, "Findings"),
};

function draw(figure, rows) {
  const plot = figure.querySelector(".plot");
  const { data, layout } = DRAWINGS[figure.dataset.chart](rows);
  const isTime = data[0].type === "scatter";
  Plotly.react(plot, data, {
    margin: { l: 56, r: 16, t: 40, b: 56 }, font: { family: "system-ui, sans-serif", size: 13, color: "#1f2937" },
    xaxis: isTime ? { type: "date" } : {}, yaxis: { rangemode: "tozero", automargin: true },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 }, hovermode: isTime ? "x unified" : "closest", ...layout,
  }, {
    responsive: true, displaylogo: false, displayModeBar: window.innerWidth < 700 ? false : "hover",
    typesetMath: false, // what stands between dollars is no formula
    // Named one by one: none that sends the figures anywhere.
    modeBarButtons: [["toImage"], ["zoom2d", "pan2d"], ["zoomIn2d", "zoomOut2d", "resetScale2d"]],
  });
}

/** Draw a figure's chart from its table; with currencies, the one that is chosen. */
function chart(figure) {
  const table = figure.querySelector("table");
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent.trim()));
  const plot = figure.querySelector(".plot");
  plot.hidden = false;
  plot.setAttribute("role", "group");
  plot.setAttribute("aria-label", `Chart: ${table.caption.textContent}. The figures stand below it.`);
  if (table.tHead.rows[0].cells[0].textContent !== "Currency") return draw(figure, rows);
  const choice = document.createElement("label");
  const select = document.createElement("select");
  const counts = new Map();
  for (const [code] of rows) counts.set(code, (counts.get(code) || 0) + 1);
  select.append(...[...counts.keys()].map((code) => new Option(code, code)));
  select.value = [...counts].sort((a, b) => b[1] - a[1])[0][0];
  choice.append("Currency ", select);
  plot.before(choice);
  const redraw = () => draw(figure, rows.filter((row) => row[0] === select.value));
  select.addEventListener("change", redraw);
  return redraw();
}

if (typeof Plotly !== "undefined") {
  for (const figure of document.querySelectorAll("[data-chart]")) chart(figure);
  const resize = (width) => {
    for (const plot of document.querySelectorAll(".plot")) Plotly.relayout(plot, { width, autosize: !width });
  };
  window.addEventListener("beforeprint", () => resize(460));
  window.addEventListener("afterprint", () => resize(null));
}
