// Drives a Baileys client on behalf of a test. Each line of standard input is a command, {"id", "do", ...arguments};
// each line of standard output is an event, {"event", ...}, of which "answer" and "refused" carry a command's id. What
// Baileys logs goes to standard error. The process ends with its standard input.
//
// Arguments: host:port of the simulator, its Noise root key in hex, and the directory of the credentials.
import { webcrypto } from 'node:crypto';
import { createInterface } from 'node:readline';
import tls from 'node:tls';
import pino from 'pino';

globalThis.crypto ??= webcrypto; // Node 18 has it under this name alone
const baileys = await import('@whiskeysockets/baileys');

const [endpoint, rootKey, credentials] = process.argv.slice(2);
baileys.WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(rootKey, 'hex');

// Whatever host Baileys asks for, for messages and for media, it reaches the simulator.
const { hostname, port } = new URL(`https://${endpoint}`);
const dial = tls.connect;
tls.connect = (options, ...rest) =>
  dial({ ...options, servername: options.servername || options.host, host: hostname, port }, ...rest);

// libsignal prints its sessions on the console; standard output is for events.
console.log = console.info = console.warn = () => {};
const logger = pino({ level: 'warn' }, pino.destination({ dest: 2, sync: true }));

const tell = (event, details) => process.stdout.write(`${JSON.stringify({ event, ...details })}\n`);

let socket;

const writes = []; // of the credentials, which the process must not cut off

async function connect() {
  const { state, saveCreds } = await baileys.useMultiFileAuthState(credentials);
  const { get, set } = state.keys;
  const keep = (write) => writes[writes.push(write) - 1];
  state.keys = { get, set: (keys) => keep(set(keys)) };
  socket = baileys.makeWASocket({ auth: state, logger });
  socket.ev.on('creds.update', () => keep(saveCreds()));
  for (const [event, listener] of Object.entries(listeners)) socket.ev.on(event, listener);
}

const listeners = {
  'connection.update': ({ qr, connection, lastDisconnect }) => {
    if (qr) tell('qr', { qr });
    if (connection === 'open') tell('open', { jid: socket.user.id, lid: socket.user.lid });
    if (connection !== 'close') return;
    const status = lastDisconnect?.error?.output?.statusCode;
    // After a pairing the service closes the connection and expects the client to log in.
    if (status === baileys.DisconnectReason.restartRequired) void connect();
    else tell('close', { status });
  },
  'messaging-history.set': () => tell('history'),
  'messages.upsert': ({ messages }) => messages.forEach(tellMessage),
  'messages.update': (updates) => {
    for (const { key, update } of updates) if (update.status) tell('status', { of: key.id, status: update.status });
  },
};

function tellMessage({ key, message, status }) {
  const text = message?.conversation ?? message?.extendedTextMessage?.text;
  if (text) tell('message', { key, text });
  // What became of an own message may be told together with it.
  if (key.fromMe && status) tell('status', { of: key.id, status });
}

const commands = {
  send: async ({ to, text }) => (await socket.sendMessage(to, { text })).key.id,
  code: ({ number }) => socket.requestPairingCode(number),
  found: ({ subject, members }) => socket.groupCreate(subject, members),
  group: ({ jid }) => socket.groupMetadata(jid),
  groups: () => socket.groupFetchAllParticipating(),
  read: ({ key }) => socket.readMessages([key]),
};

async function obey({ id, do: name, ...args }) {
  try {
    tell('answer', { id, value: await commands[name](args) });
  } catch (error) {
    tell('refused', { id, reason: error.message });
  }
}

await connect();
for await (const line of createInterface({ input: process.stdin })) void obey(JSON.parse(line));
await socket.end();
await Promise.allSettled(writes);
process.exit(0);
