// A chat's messages as bubbles.

import { get, phonePath } from "./api.js";
import { el, hueOf, icon, sizeOf, timeOf } from "./dom.js";
import { isGroup, kindNames } from "./chats.js";

const stateNames = { sent: "sent", delivered: "delivered", read: "read", played: "played" };

const files = ["image", "video", "gif", "audio", "voice", "document", "sticker"];

// bubble shows a message. nameOf tells who a number is, phone whose chat it is, and failed is called with what went wrong.
export function bubble(message, { phone, nameOf, failed }) {
  if (message.kind === "timer") return timerLine(message);
  const side = message.mine ? "mine" : "theirs";
  const box = el("div", { className: "bubble" });
  if (isGroup(message.chat) && !message.mine) {
    box.append(el("p", { className: "author", "data-hue": hueOf(message.author) }, nameOf(message.author)));
  }
  if (message.forwarded) box.append(el("p", { className: "note" }, "Forwarded"));
  if (message.quote) box.append(quoteOf(message.quote, nameOf));
  box.append(...contentOf(message, phone, failed, nameOf), footOf(message));
  const item = el("li", { className: `message ${side}`, "data-kind": message.kind }, box);
  const reactions = Object.entries(message.reactions);
  if (reactions.length > 0) item.append(reactionsOf(reactions, nameOf));
  return item;
}

function timerLine(message) {
  const seconds = message.timer ?? 0;
  const text = seconds === 0 ? "Messages no longer disappear" : `Messages disappear after ${duration(seconds)}`;
  return el("li", { className: "message line", "data-kind": "timer" }, el("p", {}, text));
}

function duration(seconds) {
  const days = Math.round(seconds / 86400);
  if (days < 1) return `${seconds} seconds`;
  return days === 1 ? "a day" : `${days} days`;
}

function quoteOf(quote, nameOf) {
  const text = el("p", {}, quote.text);
  return el("blockquote", {}, quote.author ? el("p", { className: "author", "data-hue": hueOf(quote.author) }, nameOf(quote.author)) : null, text);
}

function reactionsOf(reactions, nameOf) {
  const label = reactions.map(([number, emoji]) => `${nameOf(number)}: ${emoji}`).join(", ");
  return el("p", { className: "reactions", role: "img", title: label, "aria-label": `Reactions: ${label}` }, reactions.map(([, emoji]) => emoji).join(" "));
}

// footOf has the time, and how far the message has got.
function footOf(message) {
  const foot = el("p", { className: "foot" });
  if (message.fromMe) foot.append(icon("device", "from a linked device"));
  if (message.edited && message.kind !== "revoked") foot.append(el("span", {}, "edited"));
  foot.append(el("time", { dateTime: message.at }, timeOf(message.at)));
  if (message.state) {
    const tick = icon(message.state === "sent" ? "tick" : "ticks", stateNames[message.state]);
    tick.dataset.state = message.state;
    foot.append(tick);
  }
  return foot;
}

function contentOf(message, phone, failed, nameOf) {
  switch (message.kind) {
    case "text":
      return [words(message.text)];
    case "revoked":
      return [el("p", { className: "note" }, "This message was deleted")];
    case "poll":
      return [labelled("poll", message.poll.question), pollOf(message, nameOf)];
    case "location":
      return [labelled("location", message.location.name || (message.location.live ? "Live location" : "Location"), placeOf(message.location))];
    case "contacts":
      return message.contacts.map((contact) => labelled("contacts", contact.name, "Contact"));
  }
  if (files.includes(message.kind)) return fileOf(message, phone, failed);
  const name = kindNames[message.kind] ?? "Message that this page cannot show";
  return [labelled("other", name, message.emoji || message.text || message.vote?.join(", ") || "of a message not shown here")];
}

const words = (text) => el("p", { className: "words" }, text);

const labelled = (symbol, title, detail) => el("div", { className: "labelled" }, el("span", { className: "badge" }, icon(symbol)),
  el("div", {}, el("p", { className: "title" }, title), detail ? el("p", { className: "detail" }, detail) : null));

const placeOf = (place) => [place.address, `${place.latitude.toFixed(5)}, ${place.longitude.toFixed(5)}`].filter(Boolean).join(" · ");

function pollOf(message, nameOf) {
  const votes = Object.entries(message.votes);
  const rows = message.poll.options.map((option) => {
    const voters = votes.filter(([, chosen]) => chosen.includes(option)).map(([number]) => nameOf(number));
    return el("li", {}, el("span", {}, option), el("span", { className: "count", title: voters.join(", ") }, String(voters.length)));
  });
  return el("ul", { className: "poll" }, ...rows);
}

const opening = { document: "Download", image: "Show", sticker: "Show" };

const opened = new Map(); // files that were opened stay open when their bubble is drawn anew

function fileOf(message, phone, failed) {
  const symbol = message.kind === "gif" ? "video" : message.kind;
  const detail = [message.fileName && kindNames[message.kind], message.viewOnce && "View once", message.mime, message.size > 0 && sizeOf(message.size)];
  const key = `${phone} ${message.id}`;
  const card = labelled(symbol, message.fileName || kindNames[message.kind], detail.filter(Boolean).join(" · "));
  const caption = message.caption ? [words(message.caption)] : [];
  if (opened.has(key)) return [card, opened.get(key), ...caption];
  const open = el("button", { type: "button", className: "open" }, opening[message.kind] ?? "Play");
  open.onclick = () => {
    open.disabled = true;
    fetchFile(message, phone).then((shown) => {
      opened.set(key, shown);
      open.replaceWith(shown);
    }, (problem) => {
      open.disabled = false;
      failed(problem);
    });
  };
  return [card, open, ...caption];
}

// fetchFile lets the phone download and decrypt the file of a message. What it is shown as depends on the kind of
// message, never on the file, which a client may have made to do harm.
async function fetchFile(message, phone) {
  const { mime, data } = await get(phonePath(phone, `/messages/${encodeURIComponent(message.id)}/media`));
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const family = { image: "img", sticker: "img", video: "video", gif: "video", audio: "audio", voice: "audio" }[message.kind];
  const type = family ? mime : "application/octet-stream";
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  if (!family) return el("a", { href: url, download: message.fileName || "document", className: "open" }, "Save the file");
  const shown = family === "img" ? el("img", { alt: message.caption || kindNames[message.kind] }) : el(family, { controls: true });
  const loaded = new Promise((resolve, reject) => {
    shown.onload = shown.onloadedmetadata = () => resolve(shown);
    shown.onerror = () => reject(new Error(`${sizeOf(bytes.length)} were downloaded and decrypted, but they are no ${kindNames[message.kind].toLowerCase()} that a browser can show`));
  });
  shown.src = url;
  return loaded;
}
