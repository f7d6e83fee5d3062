// Does with the official client what the tests say.
//
//   node driver.mjs <folder of node_modules> <library> <node | browser | react-native>
//
// Commands come as lines of JSON, each with a number; answers and events go out the same way.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { createContext, runInContext } from "node:vm";

const [folder, library, platform] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const signalR = platform === "node" ? require(library) : elsewhere(platform);
const connections = new Map();

// The library's build for browsers, among nothing but what it would find on that platform: by this
// it decides where the token goes.
function elsewhere(platform) {
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

function tell(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function connect({ client, url, token, skipsNegotiation, reconnects }) {
  // Browsers would send cookies along only where the server names the page's origin.
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
  connection.on("ReceiveMessage", (message) => tell({ client, received: message }));
  connection.onreconnecting(() => tell({ client, event: "reconnecting" }));
  connection.onreconnected(() => tell({ client, event: "reconnected" }));
  connection.onclose(() => tell({ client, event: "closed" }));
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

async function obey({ number, command, ...details }) {
  try {
    await commands[command](details);
    tell({ number });
  } catch (error) {
    tell({ number, error: String(error.message ?? error) });
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  obey(JSON.parse(line)); // not awaited: the next command may be to end what this one began
}
await Promise.all([...connections.values()].map((connection) => connection.stop()));
