// Whoever scans a code with a phone: the start page, the record, its language, what is missing and what is malformed.
// Every page must fit 360 px, ask nobody else, and leave the browser's console empty.
import { chromium } from "playwright-core";

const [gateway, identifier] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
});
let failed = 0;

function check(name, good, found) {
  console.log(good ? `ok ${name}` : `FAIL ${name}: ${found}`);
  if (!good) failed += 1;
}

async function open(locale) {
  const page = await browser.newPage({ viewport: { width: 360, height: 720 }, locale });
  const strangers = [];
  const complaints = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(gateway)) strangers.push(request.url());
  });
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("status of 4")) complaints.push(message.text());
  });
  return { page, strangers, complaints };
}

async function fits(name, { page, strangers, complaints }) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  check(`${name}: fits 360 px`, wide <= 360, `${wide} px`);
  check(`${name}: asks nobody else`, strangers.length === 0, strangers.join(" "));
  check(`${name}: no error in the console`, complaints.length === 0, complaints.join(" | "));
  const size = (await page.content()).length;
  check(`${name}: below 100 kB`, size < 100_000, `${size} characters`);
}

const text = (page) => page.locator("body").innerText();

const chinese = await open("zh-CN");
await chinese.page.goto(gateway + "/");
check("start page in Chinese", (await chinese.page.locator("html").getAttribute("lang")).startsWith("zh"), "lang");
await fits("start page", chinese);

await chinese.page.locator("input[name=id]").fill(identifier);
await chinese.page.locator("button").first().click();
await chinese.page.waitForLoadState();
const record = await text(chinese.page);
const suffix = identifier.slice(identifier.indexOf("/") + 1);
check("record found by the search box", record.includes(suffix), record.slice(0, 200));
check("its values are shown", record.includes("产品型号"), record.slice(0, 400));
check("private values are not", !record.includes("成本"), "成本");
await fits("record", chinese);

await chinese.page.goto(`${gateway}/${encodeURI(identifier)}?noredirect&lang=en`);
const english = await text(chinese.page);
check("record in English", english.includes("Description"), english.slice(0, 200));
await fits("record in English", chinese);

const missing = await chinese.page.goto(`${gateway}/88.118.8/no-such-thing?noredirect&lang=zh`);
check("missing identifier is 404", missing.status() === 404, missing.status());
await fits("missing identifier", chinese);

const hostile = await chinese.page.goto(`${gateway}/88.118.8/%3Cimg%20src=x%20onerror=alert(1)%3E?noredirect`);
check("markup in a name is text", (await chinese.page.locator("img").count()) === 0, hostile.status());

await browser.close();
process.exit(failed === 0 ? 0 : 1);
