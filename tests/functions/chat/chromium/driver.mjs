// Runs the commands of the tests in a page of Chromium.
//
//   node driver.mjs <folder of node_modules> <browser> <address of the page>
//
// The lines on stdin and stdout are those of `javascript/driver.mjs`.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [folder, browserPath, address] = process.argv.slice(2);
const puppeteer = createRequire(`${folder}/`)("puppeteer-core");
const browser = await puppeteer.launch({
  executablePath: browserPath,
  headless: "shell",
  pipe: true,
  args: ["--no-sandbox"], // Chromium refuses to run as root with its sandbox
});
const page = await browser.newPage();
await page.exposeFunction("writeLine", (line) => process.stdout.write(`${JSON.stringify(line)}\n`));
await page.goto(address);
for await (const line of createInterface({ input: process.stdin })) {
  page.evaluate((command) => run(command), JSON.parse(line)); // not awaited, as in the other driver
}
await browser.close();
