import '@xterm/xterm/css/xterm.css';
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import { useEffect, useRef } from 'react';

/** The first byte of each frame: which stream the others are of (docs/seeing-in.md). */
const stdin = 0;

/** A terminal at the other end of `url`; it lives as long as it is on the page. */
export default function TerminalView({ url }: { readonly url: string }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (place.current === null) return;
    const terminal = new Terminal({ cursorBlink: true, fontSize: 13, convertEol: false, screenReaderMode: true });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    terminal.open(place.current);
    fit.fit();
    const { cols, rows } = terminal;
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(`${scheme}//${location.host}${url}&columns=${cols}&rows=${rows}`);
    socket.binaryType = 'arraybuffer';
    const close = connect(terminal, socket);
    const observer = new ResizeObserver(() => fit.fit());
    observer.observe(place.current);
    terminal.focus();
    return () => {
      observer.disconnect();
      close();
      terminal.dispose();
    };
  }, [url]);
  return (
    <div
      ref={place}
      style={{ height: 'max(320px, calc(100vh - 340px))', background: '#000', padding: 8 }}
      aria-label="Terminal"
      role="application"
    />
  );
}

function connect(terminal: Terminal, socket: WebSocket): () => void {
  const encoder = new TextEncoder();
  let wasToldTheEnd = false;
  const say = (text: string) => terminal.write(`\r\n\u001B[2m${text}\u001B[0m\r\n`);
  socket.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer | string>) => {
    if (typeof data !== 'string') {
      terminal.write(new Uint8Array(data, 1));
      return;
    }
    const message = JSON.parse(data) as {
      readonly type: string;
      readonly code?: number | null;
      readonly message?: string;
      readonly detail?: string;
    };
    wasToldTheEnd = true;
    if (message.type === 'exit') say(`The command has ended with exit code ${message.code ?? 'unknown'}.`);
    else say(message.message ?? message.detail ?? 'The command was ended.');
  });
  socket.addEventListener('close', () => {
    if (!wasToldTheEnd) say('The connection has ended. Open it anew.');
  });
  terminal.onData((text) => {
    if (socket.readyState !== WebSocket.OPEN) return;
    const bytes = encoder.encode(text);
    const frame = new Uint8Array(bytes.length + 1);
    frame[0] = stdin;
    frame.set(bytes, 1);
    socket.send(frame);
  });
  terminal.onResize(({ cols, rows }) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: 'resize', columns: cols, rows }));
  });
  return () => {
    wasToldTheEnd = true;
    socket.close();
  };
}
