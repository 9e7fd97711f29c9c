// The page: which phone and chat are shown, and what happens when something changes.

import { get, phonePath, post, watch } from "./api.js";
import { bubble } from "./bubbles.js";
import { History, isGroup, numberOf } from "./chats.js";
import { avatarOf, byId, el, icon, paint, sync } from "./dom.js";
import { Faults, showDevices, showStats } from "./tools.js";

const phones = new Map(); // number → phone, those listed and those whose names were needed
const unread = new Set(); // numbers of phones with news since they were last shown
const groups = new Map(); // JID → subject
let listed = { numbers: [], total: 0 };
let history = null; // of the phone that is shown
let chat = ""; // that is shown; empty for a new one

// say tells the user of a problem for a while.
function say(problem) {
  const toast = el("p", { className: "toast" }, problem.message);
  byId("toasts").append(toast);
  setTimeout(() => toast.remove(), 8000);
}

// attempt runs what the user asked for, and returns its answer, or undefined after saying why there is none.
async function attempt(what) {
  try {
    return await what();
  } catch (problem) {
    say(problem);
    return undefined;
  }
}

// onSubmit runs what a form is for with its fields, and empties it afterwards.
function onSubmit(form, what) {
  form.onsubmit = async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    const done = await attempt(() => what(Object.fromEntries(new FormData(form))));
    button.disabled = false;
    if (done !== undefined) form.reset();
  };
}

const nameOf = (number) => phones.get(number)?.name || lookUp(number) || number;

const lookedUp = new Set();

// lookUp asks for the name of a phone that is not listed; what shows it is drawn again when it is known.
function lookUp(number) {
  if (lookedUp.has(number) || !/^\d+$/.test(number)) return "";
  lookedUp.add(number);
  findPhone(number).then((phone) => {
    if (phone) showChat();
  }, () => {});
  return "";
}

// findPhone gets a phone that need not exist.
async function findPhone(number) {
  const list = await get(`/phones?limit=1&find=${encodeURIComponent(number)}`);
  const phone = list.phones.find((one) => one.number === number);
  if (phone) phones.set(number, phone);
  return phone;
}

function chatName(jid) {
  if (jid === "status@broadcast") return "Status";
  if (!isGroup(jid)) return nameOf(numberOf(jid));
  if (!groups.has(jid)) {
    groups.set(jid, "Group");
    get(`/groups/${encodeURIComponent(jid)}`).then((group) => { groups.set(jid, group.subject); showChat(); }, () => {});
  }
  return groups.get(jid);
}

// Phones

async function loadPhones() {
  const find = byId("find").value;
  const list = await get(`/phones?find=${encodeURIComponent(find)}`);
  if (find !== byId("find").value) return; // a later search is under way
  for (const phone of list.phones) phones.set(phone.number, phone);
  listed = { numbers: list.phones.map((phone) => phone.number), total: list.total };
  showPhones();
}

function showPhones() {
  const items = listed.numbers.map((number) => phones.get(number))
    .map((phone) => ({ phone, chosen: phone.number === history?.number, news: unread.has(phone.number) }));
  sync(byId("phones"), items, (item) => item.phone.number, phoneRow);
  byId("phones-count").textContent = listed.total || "";
  const hidden = listed.total - items.length;
  const empty = byId("phones-empty");
  empty.hidden = items.length > 0 && hidden === 0;
  if (hidden > 0) empty.textContent = `${hidden.toLocaleString()} more: find them by number or name`;
  else empty.textContent = byId("find").value ? "No phone matches." : "No phones yet. Add one, or let a test do it.";
  byId("numbers").replaceChildren(...items.map(({ phone }) => el("option", { value: phone.number, label: phone.name })));
  const who = byId("fault-who");
  const shown = history ? [{ number: "", name: "everybody" }, phones.get(history.number)] : [{ number: "", name: "everybody" }];
  sync(who, shown.filter(Boolean).map(({ number, name }) => ({ number, name })), (one) => one.number, (one) => el("option", { value: one.number }, one.name || one.number));
}

function phoneRow({ phone, chosen, news }) {
  const connected = phone.devices.filter((device) => device.connected).length;
  const devices = phone.devices.length === 0 ? null
    : el("span", { className: "pill", "data-state": connected > 0 ? "good" : "off", title: `${connected} of ${phone.devices.length} linked devices connected` }, icon("device"), `${connected}/${phone.devices.length}`);
  const row = el("button", { type: "button", className: "row", "aria-current": chosen ? "true" : undefined },
    el("span", { className: "portrait" }, avatarOf(phone.name || phone.number, phone.number), el("span", { className: "dot", "data-state": phone.online ? "good" : "off" }), el("span", { className: "unseen" }, phone.online ? "online" : "offline")),
    el("span", { className: "who" },
      el("span", { className: "title" }, phone.name || phone.number),
      el("span", { className: "detail" }, `+${phone.number}`),
      el("span", { className: "detail lid" }, phone.lid)),
    el("span", { className: "marks" }, devices, news ? el("span", { className: "news", title: "something new" }, el("span", { className: "unseen" }, "something new")) : null));
  row.onclick = () => choose(phone.number);
  return el("li", {}, row);
}

async function choose(number) {
  history = new History(number);
  chat = "";
  unread.delete(number);
  location.hash = number;
  view("chat");
  showPhone();
  byId("messages").replaceChildren();
  await attempt(loadChats);
  openFirst();
}

function openFirst() {
  chat = history?.chats()[0] ?? "";
  showChat();
  toBottom();
}

function showPhone() {
  const phone = history && phones.get(history.number);
  byId("nobody").hidden = Boolean(phone);
  byId("phone").hidden = !phone;
  showDevices(phone, attempt);
  showPhones();
  if (!phone) return;
  paint(byId("phone-avatar"), phone.name || phone.number, phone.number);
  byId("phone-title").textContent = phone.name || phone.number;
  byId("phone-ids").textContent = `+${phone.number} · ${phone.lid}`;
  byId("online").setAttribute("aria-checked", String(phone.online));
  byId("online-text").textContent = phone.online ? "Online" : "Offline";
}

// Chats

const newest = 500; // entries of each list that are loaded at first

// loadChats gets what is new of the phone that is shown. Calls that come meanwhile are one call afterwards.
let loading = null;
let again = false;
async function loadChats() {
  again = true;
  while (loading) await loading.catch(() => {});
  if (!again || !history) return;
  again = false;
  loading = fetchNews(history);
  try {
    await loading;
  } finally {
    loading = null;
  }
}

async function fetchNews(of) {
  const lists = ["sent", "messages", "receipts"];
  const news = await Promise.all(lists.map((list) => get(phonePath(of.number, `/${list}?after=${of.after[list]}&last=${newest}`))));
  lists.forEach((list, i) => of.take(list, news[i]));
  if (of !== history) return;
  if (chat === "" && of.chats().length > 0 && document.activeElement !== byId("to")) chat = of.chats()[0];
  showChat();
}

function showChat() {
  if (!history) return;
  const chats = history.chats();
  if (chat && !chats.includes(chat)) chats.unshift(chat);
  sync(byId("chats"), [...chats.map((jid) => ({ jid, name: chatName(jid), chosen: jid === chat })), { jid: "", name: "New chat", chosen: chat === "" }], (one) => one.jid, chatTab);
  byId("to-label").hidden = chat !== "";
  byId("text").placeholder = chat === "" ? "Write the first message" : `Write to ${chatName(chat)} as ${nameOf(history.number)}`;
  const messages = byId("messages");
  const atBottom = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 40;
  const shown = chat === "" ? [] : history.bubbles(chat);
  // Names are part of what a bubble looks like.
  const names = shown.map((message) => nameOf(message.author)).join("\n");
  sync(messages, shown.map((message) => ({ message, names: isGroup(chat) ? names : "" })), ({ message }) => message.id,
    ({ message }) => bubble(message, { phone: history.number, nameOf, failed: say }));
  if (atBottom) toBottom();
}

function chatTab({ jid, name, chosen }) {
  const symbol = jid === "" ? icon("plus") : isGroup(jid) ? icon("group") : null;
  const tab = el("button", { type: "button", className: "tab", "aria-pressed": String(chosen) }, symbol, name);
  tab.onclick = () => {
    chat = jid;
    showChat();
    toBottom();
    byId("chats").querySelector("[aria-pressed=true]").scrollIntoView({ block: "nearest", inline: "nearest" });
    byId(jid === "" ? "to" : "text").focus();
  };
  return tab;
}

function toBottom() {
  const messages = byId("messages");
  messages.scrollTop = messages.scrollHeight;
}

byId("write").onsubmit = async (event) => {
  event.preventDefault();
  const to = chat || byId("to").value.trim();
  const text = byId("text").value;
  if (!to || !text || !history) return;
  const sent = await attempt(() => post(phonePath(history.number, "/messages"), { to, text }));
  if (!sent) return;
  byId("text").value = byId("to").value = "";
  const isNew = chat === "";
  await attempt(loadChats);
  if (isNew) chat = history.messages.find((message) => message.id === sent.id)?.chat ?? "";
  showChat();
  toBottom();
};

// Everything

async function loadEverything() {
  groups.clear();
  lookedUp.clear();
  phones.clear();
  const number = history?.number ?? location.hash.slice(1);
  await loadPhones();
  history = null;
  if (number && !phones.has(number)) await findPhone(number);
  if (phones.has(number)) {
    history = new History(number);
    const was = chat;
    await loadChats();
    if (was && history.chats().includes(was)) chat = was;
    else openFirst();
  }
  showPhone();
  showChat();
}

// oneAfterTheOther runs an action at once, or once more after the run in progress, and not oftener than every second.
function oneAfterTheOther(action) {
  let running = false;
  let wanted = false;
  return async () => {
    wanted = true;
    if (running) return;
    running = true;
    while (wanted) {
      wanted = false;
      await attempt(action);
      if (wanted) await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    running = false;
  };
}

const refreshEverything = oneAfterTheOther(loadEverything);
const refreshPhones = oneAfterTheOther(loadPhones);
const refreshPhone = oneAfterTheOther(async () => {
  if (!history) return;
  if (await findPhone(history.number)) showPhone();
});

const faults = new Faults(attempt);

const states = { live: "Live", lost: "Connection lost, trying again" };

watch({
  phone: (phone) => {
    const known = phones.has(phone.number);
    phones.set(phone.number, phone);
    if (!known) refreshPhones();
    if (phone.number === history?.number) showPhone();
    else showPhones();
  },
  chat: ({ number }) => {
    if (number === history?.number) {
      attempt(loadChats);
      return;
    }
    unread.add(number);
    showPhones();
  },
  stats: (stats) => {
    showStats(stats);
    refreshPhone(); // prekeys and what waits change with the counts
  },
  faults: (active) => faults.show(active),
  all: refreshEverything,
}, (state) => {
  byId("live").textContent = states[state];
  byId("live").dataset.state = state;
  if (state !== "live") return;
  refreshEverything();
  attempt(() => faults.load());
});

// What the user can do

function view(name) {
  document.body.dataset.view = name;
  for (const button of document.querySelectorAll(".views button")) button.setAttribute("aria-pressed", String(button.dataset.view === name));
}
for (const button of document.querySelectorAll(".views button")) button.onclick = () => view(button.dataset.view);
view("phones");

byId("find").oninput = () => attempt(loadPhones);

byId("add-open").onclick = () => {
  const form = byId("add");
  form.hidden = !form.hidden;
  byId("add-open").setAttribute("aria-expanded", String(!form.hidden));
  if (!form.hidden) form.elements.number.focus();
};

onSubmit(byId("add"), async ({ number, name }) => {
  const phone = await post("/phones", { number: number.replace(/[^\d]/g, ""), name });
  phones.set(phone.number, phone);
  await loadPhones();
  await choose(phone.number);
  return phone;
});

byId("online").onclick = () => attempt(async () => {
  const phone = phones.get(history.number);
  phones.set(phone.number, await post(phonePath(phone.number, phone.online ? "/offline" : "/online")));
  showPhone();
});

onSubmit(byId("scan"), ({ qr }) => post(phonePath(history.number, "/scan"), { qr: qr.trim() }));
onSubmit(byId("code"), ({ code }) => post(phonePath(history.number, "/enter-code"), { code: code.trim() }));

byId("reset").onclick = () => {
  if (confirm("Forget all phones, messages and faults, and cut every connection?")) attempt(() => post("/reset"));
};
