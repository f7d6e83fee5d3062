// Runs the commands of the tests on the official client.
//
//   node driver.mjs <folder of node_modules> <library> <node | browser | react-native>
//
// Reads commands from stdin as lines of JSON, each with a number. Writes results and events to stdout.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { createContext, runInContext } from "node:vm";

import { createCommands } from "./commands.mjs";

const [folder, library, platform] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const signalR = platform === "node" ? require(library) : loadBrowserBuild(platform);

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

const { run, stop } = createCommands(signalR, {
  // Browsers reject credentials when the server allows every origin, as the chat does.
  sendsCookies: platform === "node",
  writeLine: (line) => process.stdout.write(`${JSON.stringify(line)}\n`),
});
for await (const line of createInterface({ input: process.stdin })) {
  run(JSON.parse(line)); // not awaited: the next command may cancel this one
}
await stop();
