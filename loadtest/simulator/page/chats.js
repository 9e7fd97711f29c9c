// What a phone has sent, received and been confirmed, put together as its chats.

export const isGroup = (chat) => chat.endsWith("@g.us");

export const numberOf = (jid) => jid.split("@")[0].split(":")[0];

// maxKept bounds the messages that the page keeps of a phone.
const maxKept = 500;

// ranks order the states of a message; a later one never falls back.
const ranks = { sent: 0, delivered: 1, read: 2, played: 3 };
const stateOfReceipt = { "": "delivered", inactive: "delivered", read: "read", played: "played" };

// History is what is known of one phone.
export class History {
  constructor(number) {
    this.number = number;
    this.messages = [];
    this.states = new Map(); // message id → state
    this.after = { messages: 0, sent: 0, receipts: 0 }; // the last seq taken of each list
  }

  // take adds entries of one of the lists, oldest first.
  take(list, entries) {
    for (const entry of entries) {
      if (entry.seq <= this.after[list]) continue;
      this.after[list] = entry.seq;
      if (list === "receipts") this.confirm(entry);
      else this.messages.push({ ...entry, mine: list === "sent" || entry.fromMe });
    }
    if (list === "receipts") return;
    this.messages.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
    this.messages.splice(0, this.messages.length - maxKept);
  }

  confirm(receipt) {
    const state = stateOfReceipt[receipt.type];
    if (!state || numberOf(receipt.from) === this.number) return; // of an own device, or not about reading
    for (const id of receipt.ids) {
      if (ranks[state] > ranks[this.states.get(id) ?? "sent"]) this.states.set(id, state);
    }
  }

  // chats lists the chats, the one with the newest message first.
  chats() {
    const last = new Map();
    for (const message of this.messages) {
      last.delete(message.chat);
      last.set(message.chat, message);
    }
    return [...last.keys()].reverse();
  }

  // bubbles are a chat's messages as they look after all that was done to them.
  bubbles(chat) {
    const shown = new Map();
    for (const message of this.messages) {
      if (message.chat === chat) this.show(shown, message);
    }
    return [...shown.values()];
  }

  show(shown, message) {
    const target = shown.get(message.target);
    const author = message.mine ? this.number : numberOf(message.from);
    switch (target ? message.kind : "") {
      case "reaction":
        target.reactions[author] = message.emoji;
        if (!message.emoji) delete target.reactions[author];
        return;
      case "edit":
        target.edited = true;
        if (message.caption) target.caption = message.caption;
        else target.text = message.text;
        return;
      case "revoke":
        target.kind = "revoked";
        return;
      case "vote":
        if (message.vote) target.votes[author] = message.vote; // what was sent is known in encrypted form only
        return;
    }
    const quoted = message.quoted ? shown.get(message.quoted) ?? { missing: true } : undefined;
    shown.set(message.id, {
      ...message,
      author,
      state: message.mine ? this.states.get(message.id) ?? "sent" : "",
      reactions: {},
      votes: {},
      quote: quoted && { author: quoted.author, text: quoted.missing ? "an earlier message" : summary(quoted) },
    });
  }
}

export const kindNames = {
  image: "Picture", video: "Video", gif: "GIF", audio: "Audio", voice: "Voice message", document: "Document",
  sticker: "Sticker", location: "Location", contacts: "Contact", poll: "Poll", reaction: "Reaction", edit: "Edit",
  revoke: "Deletion", revoked: "Deleted message", vote: "Vote", timer: "Timer", text: "Text",
};

// summary is a message in one line.
export function summary(message) {
  if (message.kind === "text" || message.kind === "edit") return message.text;
  if (message.kind === "poll") return message.poll.question;
  return message.caption || message.fileName || kindNames[message.kind] || "Message";
}
