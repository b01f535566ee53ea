// A person with a keyboard: logs in, sees a push, its log and the end of its branch, without a pointer and without a reload.
// Every page is looked at by axe, in both themes, and photographed at two widths.
"use strict";

const assert = require("node:assert/strict");
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { chromium } = require("playwright-core");

const { URL: base, TOKEN: token, WORK: work, GATE: gate, PICTURES: pictures } = process.env;
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const WIDTHS = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
const PATIENCE = 60_000;

const git = (...args) => execFileSync("git", args, { cwd: work, stdio: "pipe" });

/** What the browser complained of: the policy's refusals and scripts that broke. */
function complaints(page) {
  const found = [];
  page.on("console", (message) => {
    if (message.type() === "error") found.push(message.text());
  });
  page.on("pageerror", (error) => found.push(String(error)));
  return found;
}

/** What is wrong with pages, told together at the end. */
const findings = [];

/** Photographs a page and has axe look at it, in both themes and at both widths. */
async function look(page, name) {
  for (const [kind, size] of Object.entries(WIDTHS)) {
    await page.setViewportSize(size);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: path.join(pictures, `${name}-${kind}-${colorScheme}.png`) });
      // Playwright runs it beside the page's own scripts: the page's policy does not hold for it.
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      const grave = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
      for (const { id, nodes } of grave) {
        findings.push(`${name}, ${kind}, ${colorScheme}: ${id}: ${nodes.map((node) => node.html).join(" ")}`);
      }
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wide > 0) findings.push(`${name} is ${wide} pixels too wide at ${size.width}`);
  }
  await page.setViewportSize(WIDTHS.desktop);
  await page.emulateMedia({ colorScheme: "light" });
}

/** Presses Tab until an element has the focus. */
async function tab(page, locator) {
  await locator.first().waitFor({ timeout: PATIENCE });
  for (let press = 0; press < 200; press += 1) {
    const there = await locator.evaluateAll((all) => all.includes(document.activeElement));
    if (there) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`Tab never comes to ${locator}`);
}

async function enter(page, locator) {
  await tab(page, locator);
  await page.keyboard.press("Enter");
}

const link = (page, name) => page.getByRole("link", { name, exact: true });
const seen = (locator) => locator.first().waitFor({ timeout: PATIENCE });

async function session(page) {
  await page.goto(`${base}/projects`);
  await look(page, "login");
  await page.keyboard.type("aqa-wrong");
  await page.keyboard.press("Enter");
  await seen(page.getByRole("alert"));
  await page.keyboard.type(token);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${base}/projects`);
  await look(page, "projects-without-pipelines");
  await enter(page, link(page, "Pipelines"));
  await seen(page.getByText("No pipelines yet."));
  await look(page, "pipelines-empty");

  // The list is never asked for again by the person.
  git("push", "--quiet", "origin", "HEAD:main");
  await seen(page.getByRole("link", { name: "Show pages" }));
  git("push", "--quiet", "origin", "HEAD:feature/pages");
  await page.getByText("feature/pages").first().waitFor({ timeout: PATIENCE });
  await look(page, "pipelines");
  const line = page.getByRole("listitem").filter({ hasText: "feature/pages" });
  await enter(page, line.getByRole("link", { name: "Show pages" }));

  await seen(page.getByText("script ended with exit code 3"));
  await seen(page.getByText("waits for build: [amd64]", { exact: false }));
  await look(page, "pipeline");
  await enter(page, link(page, "build: [amd64]").locator("visible=true"));

  // Its lines come while it runs.
  await seen(page.getByText("tick 3", { exact: true }));
  const ticks = () => page.locator(".r", { hasText: "tick" });
  const before = await ticks().count();
  await seen(page.getByText(`tick ${before + 3}`, { exact: true }));
  assert.equal(await page.locator(".f208").first().textContent(), "colours");
  await seen(page.getByText("and <b>markup</b>"));
  await look(page, "job-running");
  const head = page.locator("details.s > summary").first();
  await tab(page, head);
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("details.s").first().evaluate((one) => one.open), false);
  await page.keyboard.press("Enter");

  fs.writeFileSync(gate, "");
  await seen(page.locator("#head .badge", { hasText: "passed" }));
  await seen(page.locator("#announce", { hasText: "build: [amd64] passed" }));
  await seen(page.getByText("the gate is open", { exact: true }));
  await look(page, "job");
  await page.goto(`${page.url()}?line=4#L4`);
  await seen(page.locator("#L4.hit"));

  await enter(page, link(page, "Projects").first());
  await enter(page, link(page, "group/name"));
  await enter(page, link(page, "Environments"));
  const environment = page.getByRole("listitem").filter({ hasText: "review/feature-pages" });
  await seen(environment.getByText("available"));
  await look(page, "environments");
  await enter(page, link(page, "Branches"));
  await seen(link(page, "branch feature/pages"));
  await look(page, "branches");

  git("push", "--quiet", "origin", ":feature/pages");
  await link(page, "branch feature/pages").waitFor({ state: "detached", timeout: PATIENCE });
  await enter(page, link(page, "Environments"));
  await seen(environment.getByText("stopped"));
  await enter(page, page.getByRole("link", { name: "Pipelines" }).last());
  await seen(page.locator(".dot", { hasText: "canceled" }));
  await look(page, "project");
  await page.goto(`${base}/nothing`);
  await look(page, "not-found");
  await page.goto(`${base}/`);
  await enter(page, page.getByRole("button", { name: "Log out" }));
  await page.waitForURL(`${base}/login`);
}

/** The same pages are of use without scripts. */
async function plain(browser) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${base}/`);
  await page.getByLabel("Access token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("link", { name: "Show pages" }).first().click();
  await page.getByRole("link", { name: "unit" }).first().click();
  await seen(page.getByText("this one fails"));
  await page.getByRole("button", { name: "Retry" }).click();
  await seen(page.getByText("stage test"));
  await page.getByRole("link", { name: "Raw" }).click();
  await context.close();
}

async function main() {
  fs.mkdirSync(pictures, { recursive: true });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  try {
    const page = await browser.newPage();
    const said = complaints(page);
    await session(page).catch(async (error) => {
      await page.screenshot({ path: path.join(pictures, "failed.png") });
      throw error;
    });
    const expected = /status of (403|404)/;
    assert.deepEqual(said.filter((text) => !expected.test(text)), []);
    await plain(browser);
    assert.deepEqual(findings, []);
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  process.stderr.write(`${findings.join("\n")}\n${error.stack ?? error}\n`);
  process.exitCode = 1;
});
