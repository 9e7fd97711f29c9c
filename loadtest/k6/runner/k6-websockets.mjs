import Socket from 'ws';
import { Counter } from './metrics.mjs';

const sessions = new Counter('ws_sessions');
const received = new Counter('ws_msgs_received');

export class WebSocket {
  constructor(url, protocols, { headers }) {
    this.socket = new Socket(url, protocols ?? [], { headers });
    this.socket.on('open', () => sessions.add(1));
    this.socket.on('message', (data) => {
      received.add(1);
      this.onmessage?.({ data: data.toString() });
    });
    this.socket.on('close', (code) => this.onclose?.({ code }));
    this.socket.on('error', (error) => this.onerror?.({ error: error.message }));
  }

  close() {
    this.socket.close();
  }
}
