// The right-hand side: linked devices, the referee and the faults.

import { get, phonePath, post, remove } from "./api.js";
import { byId, el, icon, sync } from "./dom.js";

// showDevices lists the devices of a phone. attempt runs what a button starts and shows what it fails with.
export function showDevices(phone, attempt) {
  byId("devices-card").hidden = !phone;
  if (!phone) return;
  byId("devices-count").textContent = phone.devices.length || "";
  byId("devices-empty").hidden = phone.devices.length > 0;
  sync(byId("devices"), phone.devices, (device) => device.device, (device) => {
    const unlink = el("button", { type: "button", className: "quiet danger", "aria-label": `Unlink device ${device.device}` }, "Unlink");
    unlink.onclick = () => attempt(() => remove(phonePath(phone.number, `/devices/${device.device}`)));
    return el("li", { className: "device", "data-state": device.connected ? "good" : "off" },
      el("span", { className: "badge" }, icon("device")),
      el("div", { className: "who" },
        el("p", { className: "title" }, `Device ${device.device} `, el("span", { className: "pill" }, device.connected ? "connected" : "away")),
        el("p", { className: "detail" }, [device.version && `Web ${device.version}`, `${device.preKeys} prekeys`, device.pending > 0 && `${device.pending} waiting`].filter(Boolean).join(" · "))),
      unlink);
  });
}

// What the referee counts, in words. Those that must stay within a limit have it beside them.
const counts = [
  ["connections", "Open connections"],
  ["logins", "Logins"],
  ["messagesRelayed", "Messages relayed"],
  ["pendingOffline", "Waiting to be confirmed"],
  ["retryReceipts", "Asked for again"],
  ["duplicatesDropped", "Repetitions dropped"],
  ["maxConcurrentLoginsPerDevice", "Logins of one device at a time", 1],
  ["reusedCounters", "Keys used twice", 0],
  ["decryptFailures", "Not decryptable", 0],
  ["repeatedMessages", "Sent twice", 0],
  ["changedMessages", "Sent again with other contents", 0],
  ["unlistedMessages", "Acknowledged, but not listed", 0],
  ["nonsense", "Broke the protocol", 0],
  ["overflows", "Dropped at a bound", 0],
];

const labelOf = (field) => counts.find(([name]) => name === field)?.[1] ?? field;

// showStats shows the referee's counts: those named above, and whichever else there are.
export function showStats(stats) {
  const named = counts.map(([field]) => field);
  const others = Object.keys(stats).filter((field) => !named.includes(field) && typeof stats[field] === "number").map((field) => [field, field]);
  const rows = [...counts, ...others].filter(([field]) => field in stats)
    .map(([field, label, limit]) => ({ field, label, value: stats[field], bad: limit !== undefined && stats[field] > limit }));
  sync(byId("stats"), rows, (row) => row.field, (row) => el("div", { "data-state": row.bad ? "bad" : "" }, el("dt", {}, row.label), el("dd", {}, row.value.toLocaleString())));
  const wrong = rows.filter((row) => row.bad);
  const verdict = byId("verdict");
  verdict.dataset.state = wrong.length > 0 ? "bad" : "good";
  const text = wrong.length > 0 ? `Look at: ${wrong.map((row) => row.label.toLowerCase()).join(", ")}.` : "Nothing wrong so far.";
  if (verdict.textContent !== text) verdict.textContent = text;
  const violations = (stats.violations ?? []).map((violation, i) => ({ i, ...violation }));
  sync(byId("violations"), violations, (violation) => violation.i, (violation) => el("li", {},
    el("p", { className: "title" }, labelOf(violation.count)),
    el("p", { className: "detail" }, [violation.device, violation.phone && `noticed by ${violation.phone}`, violation.ids?.join(", ")].filter(Boolean).join(" · "))));
}

const opNames = {
  connection: "Connections", upgrade: "Connecting", pairing: "Pairing", login: "Logins", iq: "Requests", ping: "Pings",
  ack: "Acknowledgements", message: "Messages to companions", receipt: "Receipts to companions", clock: "Clock",
};

const timed = ["delay", "slow", "skew"]; // actions that need a delay
const usualDelay = 2000; // ms

const actionName = (action) => action.replaceAll("_", " ");

// Faults is the catalogue with its switches, and the list of what is switched on.
export class Faults {
  constructor(attempt) {
    this.attempt = attempt;
    this.active = [];
    this.rows = [];
    byId("faults-clear").onclick = () => attempt(() => remove("/faults"));
  }

  async load() {
    const catalogue = await get("/faults/catalog");
    this.codes = new Map(); // "op action" → the codes that have rows of their own
    for (const kind of catalogue) {
      const pair = `${kind.op} ${kind.action}`;
      this.codes.set(pair, [...this.codes.get(pair) ?? [], ...kind.codes ?? []]);
    }
    this.rows = catalogue.map((kind) => this.rowOf(kind));
    const groups = Map.groupBy(this.rows, (row) => row.kind.op);
    byId("catalogue").replaceChildren(...[...groups].map(([op, rows]) => {
      const count = el("span", { className: "count" });
      const group = el("details", { className: "group", "data-op": op }, el("summary", {}, opNames[op] ?? op, " ", count), ...rows.map((row) => row.element));
      group.count = count;
      return group;
    }));
    this.show(this.active);
  }

  rowOf(kind) {
    const row = { kind };
    const name = [actionName(kind.action), kind.codes?.length === 1 ? kind.codes[0] : ""].join(" ").trim();
    const inputs = [];
    if (kind.codes?.length > 1) {
      row.code = el("select", {}, ...kind.codes.map((code) => el("option", {}, String(code))));
      inputs.push(el("label", {}, "Code ", row.code));
    } else if (kind.otherCodes) {
      row.code = el("input", { type: "number", min: 1, value: kind.op === "connection" ? 500 : 503 });
      inputs.push(el("label", {}, "Code ", row.code));
    }
    if (timed.includes(kind.action)) {
      row.delay = el("input", { type: "number", step: 100, value: usualDelay });
      inputs.push(el("label", {}, "Delay in ms ", row.delay));
    }
    const label = `${opNames[kind.op] ?? kind.op}: ${name}`;
    row.button = kind.op === "connection"
      ? el("button", { type: "button", className: "strike", "aria-label": `${label}, now` }, "Strike")
      : el("button", { type: "button", className: "switch", role: "switch", "aria-checked": "false", "aria-label": label }, el("span", { className: "track", "aria-hidden": "true" }));
    row.button.onclick = () => this.attempt(() => this.toggle(row));
    row.element = el("div", { className: "fault" },
      el("div", { className: "what" },
        el("p", { className: "title" }, name, kind.otherCodes ? " with a code" : "", kind.fatal ? el("span", { className: "pill fatal", title: "whatsmeow panics, which ends its process" }, "ends whatsmeow") : null),
        el("p", { className: "detail" }, kind.does),
        el("details", {}, el("summary", {}, "What clients do"), el("p", { className: "detail" }, `A good client ${kind.client}.`), el("p", { className: "detail" }, `whatsmeow: ${kind.whatsmeow}.`)),
        inputs.length > 0 ? el("div", { className: "options" }, ...inputs) : null),
      row.button);
    return row;
  }

  // toggle switches a fault on or off; one of connections strikes those that live, and is over.
  async toggle({ kind, code, delay, button }) {
    if (button.getAttribute("aria-checked") === "true") {
      await Promise.all(this.active.filter((fault) => this.isOf(fault, kind)).map((fault) => remove(`/faults/${encodeURIComponent(fault.id)}`)));
      return;
    }
    const fault = { op: kind.op, action: kind.action };
    if (byId("fault-who").value) fault.number = byId("fault-who").value;
    if (Number(byId("fault-times").value) > 0) fault.times = Number(byId("fault-times").value);
    if (code) fault.code = Number(code.value);
    else if (kind.codes) fault.code = kind.codes[0];
    if (delay) fault.delayMs = Number(delay.value);
    const { id } = await post("/faults", fault);
    if (kind.op === "connection") await remove(`/faults/${encodeURIComponent(id)}`);
  }

  // isOf tells whether an active fault is one of a row.
  isOf(fault, kind) {
    if (fault.op !== kind.op || fault.action !== kind.action) return false;
    const code = fault.code ?? 0;
    if (kind.otherCodes) return code > 0 && !this.codes.get(`${kind.op} ${kind.action}`).includes(code);
    return kind.codes ? kind.codes.includes(code) : code === 0;
  }

  show(active) {
    this.active = active;
    byId("faults-count").textContent = active.length || "";
    byId("faults-clear").hidden = active.length === 0;
    sync(byId("active"), active, (fault) => fault.id, (fault) => {
      const name = [fault.op, actionName(fault.action), fault.code].filter(Boolean).join(" ");
      const end = el("button", { type: "button", className: "quiet", "aria-label": `End fault ${name}` }, "End");
      end.onclick = () => this.attempt(() => remove(`/faults/${encodeURIComponent(fault.id)}`));
      const detail = [fault.number ? `of ${fault.number}` : "of everybody", fault.delayMs && `${fault.delayMs} ms`, fault.times && `${fault.times}×`, `struck ${fault.matched}×`];
      return el("li", { className: "on" }, el("div", { className: "who" }, el("p", { className: "title" }, name), el("p", { className: "detail" }, detail.filter(Boolean).join(" · "))), end);
    });
    for (const row of this.rows) {
      if (row.kind.op !== "connection") row.button.setAttribute("aria-checked", String(active.some((fault) => this.isOf(fault, row.kind))));
    }
    for (const group of byId("catalogue").children) {
      group.count.textContent = active.filter((fault) => fault.op === group.dataset.op).length || "";
    }
  }
}
