// Runs the commands of the tests on the official client.
//
//   node driver.mjs <folder of node_modules> <library> <node | browser | react-native>
//
// Reads commands from stdin as lines of JSON, each with a number. Writes results and events to stdout.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { createContext, runInContext } from "node:vm";

const [folder, library, platform] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const signalR = platform === "node" ? require(library) : loadBrowserBuild(platform);
const connections = new Map();

// Load the browser build with the globals of one platform only. The library detects the platform by
// them, and sends the token in the URL or in a header.
function loadBrowserBuild(platform) {
  const globals = { AbortController, URL, URLSearchParams, fetch, WebSocket: require("ws") };
  Object.assign(globals, { clearInterval, clearTimeout, setInterval, setTimeout });
  const context = createContext(globals);
  context.self = context;
  context.window = context;
  if (platform === "browser") {
    context.document = new EventTarget();
  }
  runInContext(readFileSync(require.resolve(`${library}/dist/browser/signalr.js`), "utf8"), context);
  return context.signalR;
}

function writeLine(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function connect({ client, url, token, skipsNegotiation, reconnects }) {
  // Browsers reject credentials when the server allows every origin, as the chat does.
  const options = { accessTokenFactory: () => token, withCredentials: platform === "node" };
  if (skipsNegotiation) {
    options.skipNegotiation = true;
    options.transport = signalR.HttpTransportType.WebSockets;
  }
  let builder = new signalR.HubConnectionBuilder()
    .withUrl(url, options)
    .configureLogging(signalR.LogLevel.None);
  if (reconnects) {
    builder = builder.withAutomaticReconnect();
  }
  const connection = builder.build();
  connection.on("ReceiveMessage", (message) => writeLine({ client, received: message }));
  connection.onreconnecting(() => writeLine({ client, event: "reconnecting" }));
  connection.onreconnected(() => writeLine({ client, event: "reconnected" }));
  connection.onclose(() => writeLine({ client, event: "closed" }));
  connections.set(client, connection);
  await connection.start();
}

const commands = {
  connect,
  invoke: ({ client, method, values }) => connections.get(client).invoke(method, ...values),
  send: ({ client, method, values }) => connections.get(client).send(method, ...values),
  stream: ({ client, method, values }) =>
    new Promise((resolve, reject) => {
      const stream = connections.get(client).stream(method, ...values);
      stream.subscribe({ next: () => {}, complete: resolve, error: reject });
    }),
  disconnect: ({ client }) => connections.get(client).stop(),
};

async function run({ number, command, ...details }) {
  try {
    await commands[command](details);
    writeLine({ number });
  } catch (error) {
    writeLine({ number, error: String(error.message ?? error) });
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  run(JSON.parse(line)); // not awaited: the next command may cancel this one
}
await Promise.all([...connections.values()].map((connection) => connection.stop()));
