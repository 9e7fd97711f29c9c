import { Counter, Trend } from 'k6/metrics';
import { WebSocket } from 'k6/websockets';
import { setTimeout } from 'k6/timers';
import { ask, dataOf } from './client.js';
import { bearer, config } from './config.js';

const heard = new Counter('events_heard');
const missed = new Counter('events_missed');
const doubled = new Counter('events_doubled');
const disordered = new Counter('events_out_of_order');
const foreign = new Counter('events_foreign'); // of an account that was not asked for
const resumed = new Counter('resumptions');
const replayDuration = new Trend('replay_duration', true); // from connecting until the log has been told
const deliveryDuration = new Trend('delivery_duration', true); // from the phone that writes to the event

export const readerThresholds = {
  events_heard: ['count>0'],
  events_missed: ['count==0'],
  events_doubled: ['count==0'],
  events_out_of_order: ['count==0'],
  events_foreign: ['count==0'],
};

// spokenAt is put into texts, and saidAt read out of them, to time their way.
export function spokenAt(moment) {
  return `${config.run} at ${moment}`;
}

function saidAt(frame) {
  const body = frame.event === 'message' ? (frame.data.message.body ?? '') : '';
  const [, moment] = body.split(`${config.run} at `);
  return moment ? Number.parseInt(moment, 10) : null;
}

// Reader subscribes to an account, remembers what it heard, and comes back with
// the last cursor as often as it is told to.
export class Reader {
  constructor(account) {
    this.account = account;
    this.start = ''; // the place in the log that it began after
    this.cursor = '';
    this.order = [];
    this.known = new Set();
  }

  // listen hears events for a while or, given no time, until it has caught up. It
  // leaves without a word, as a client does whose network is gone, and gives the
  // close code if the server was first, or 0.
  listen(milliseconds) {
    const since = this.cursor ? `&since=${this.cursor}` : '';
    if (since) resumed.add(1);
    const opened = Date.now();
    const socket = new WebSocket(`${config.socket}/?accountNumber=${this.account}${since}`, null, { headers: bearer });
    return new Promise((resolve, reject) => {
      let left = false;
      const leave = () => {
        left = true;
        socket.close();
      };
      socket.onmessage = ({ data }) => {
        if (left) return; // it was on the way, and comes again
        try {
          const frame = JSON.parse(data);
          this.take(frame, opened);
          if (frame.event === 'caught-up' && milliseconds === undefined) leave();
        } catch (error) {
          reject(error);
          leave();
        }
      };
      socket.onclose = ({ code }) => resolve(left ? 0 : code);
      socket.onerror = ({ error }) => {
        if (!left) console.error(`socket of ${this.account}: ${error}`);
      };
      if (milliseconds !== undefined) setTimeout(leave, milliseconds);
    });
  }

  take(frame, opened) {
    switch (frame.event) {
      case 'subscribed':
        if (!this.cursor) this.start = this.cursor = frame.data.from;
        return;
      case 'caught-up':
        replayDuration.add(Date.now() - opened);
        return;
      case 'cursor-expired':
      case 'error':
        throw new Error(`the server says ${JSON.stringify(frame)}`);
    }
    if (frame.data.clientId !== this.account) foreign.add(1);
    if (frame.id) this.remember(frame);
  }

  remember(frame) {
    this.cursor = frame.id;
    heard.add(1);
    if (this.known.has(frame.id)) return doubled.add(1);
    this.known.add(frame.id);
    this.order.push(frame.id);
    const moment = saidAt(frame);
    if (moment) deliveryDuration.add(Date.now() - moment);
  }

  // compare catches up and holds what was heard against what the log had before.
  async compare() {
    const log = await this.readLog();
    const code = await this.listen();
    missed.add(log.filter((id) => !this.known.has(id)).length);
    disordered.add(log.filter((id, i) => this.known.has(id) && this.order[i] !== id).length);
    return code;
  }

  // readLog gives the ids of all events since the start.
  async readLog() {
    const ids = [];
    for (let at = this.start, more = true; more; ) {
      const reply = await ask('events', 'GET', `/events/${this.account}?after=${at}&limit=500`);
      if (reply.status !== 200) throw new Error(`the log of ${this.account}: ${reply.body}`);
      const { events, cursor, hasMore } = dataOf(reply);
      ids.push(...events.map((event) => event.id));
      more = hasMore && cursor !== at;
      at = cursor;
    }
    return ids;
  }
}
