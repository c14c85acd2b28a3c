// Opens a report.html in a headless browser as a reader would: on a phone, on a screen, on paper,
// in light and dark. Usage: node check.mjs PAGE CHROMIUM WORK [SHOTS]
//
// WORK is a folder to write into; with SHOTS, pictures and PDFs of the page are left there. Exits
// with 1 when something is wrong, and when a page with planted faults is not found to be wrong.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

// The packages are installed below target/, not beside this script.
const require = createRequire(join(process.cwd(), 'package.json'));
const { default: puppeteer } = await import(pathToFileURL(require.resolve('puppeteer-core')));
const axe = await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');
// What draws is not installed: only the text is read.
for (const name of ['DOMMatrix', 'ImageData', 'Path2D']) globalThis[name] ??= class {};
const pdfjsFile = require.resolve('pdfjs-dist/legacy/build/pdf.mjs');
const { getDocument } = await import(pathToFileURL(pdfjsFile));
const fonts = join(dirname(pdfjsFile), '../../standard_fonts/');

const [page, chromium, work, shots] = process.argv.slice(2);
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const SIGHTS = [360, 1280].flatMap((width) => ['light', 'dark'].map((scheme) => ({ width, scheme })));

const browser = await puppeteer.launch({
  executablePath: chromium,
  headless: true,
  userDataDir: join(work, 'profile'),
  args: ['--no-sandbox', '--disable-background-networking', '--disable-dev-shm-usage', '--disable-gpu'],
});

// A tab in which every console message, error and request is written down.
async function open(url, problems) {
  const tab = await browser.newPage();
  tab.on('console', (message) => problems.push(`console: ${message.type()}: ${message.text()}`));
  tab.on('pageerror', (error) => problems.push(`console: ${error}`));
  tab.on('request', (request) => {
    if (request.url().split('#')[0] !== url) problems.push(`request: ${request.url()}`);
  });
  await tab.goto(url, { waitUntil: 'networkidle0' });
  return tab;
}

async function look(tab, { width, scheme }, problems) {
  await tab.setViewport({ width, height: 800 });
  await tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth);
  if (wide > width) problems.push(`sideways: ${wide} px at a width of ${width}`);
  // By the debugger's own way in: the page's policy lets no script in.
  await tab.evaluate(axe);
  const found = await tab.evaluate((tags) => globalThis.axe.run(document, { runOnly: tags }), TAGS);
  for (const { id, help, nodes } of found.violations) {
    problems.push(`axe: ${id} at ${width} ${scheme}: ${help}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ')}`);
  }
  if (found.passes.length < 15) problems.push(`axe: only ${found.passes.length} rules applied`);
  if (shots) await tab.screenshot({ path: join(shots, `${width}-${scheme}.png`), fullPage: true });
  return found.passes.length;
}

async function print(tab, format, mark, problems) {
  const file = join(shots ?? work, `${format}.pdf`);
  await tab.setViewport({ width: 1280, height: 800 });
  await tab.pdf({ path: file, format, printBackground: true });
  const sheets = await getDocument({ data: new Uint8Array(await readFile(file)), standardFontDataUrl: fonts, verbosity: 0 }).promise;
  const texts = [];
  for (let number = 1; number <= sheets.numPages; number += 1) {
    const content = await (await sheets.getPage(number)).getTextContent();
    const text = content.items.map((item) => item.str).join('').replace(/\s+/g, '');
    texts.push(text);
    if (!text.includes(`page${number}of${sheets.numPages}`)) problems.push(`print: ${format}: sheet ${number} has no number`);
    if (mark && !text.includes(mark.replace(/\s+/g, ''))) problems.push(`print: ${format}: sheet ${number} is not marked`);
  }
  return { sheets: sheets.numPages, text: texts.join('') };
}

async function examine(file) {
  const problems = [];
  const tab = await open(pathToFileURL(resolve(file)).href, problems);
  let rules = 0;
  for (const sight of SIGHTS) rules = Math.max(rules, await look(tab, sight, problems));
  const html = await readFile(file, 'utf8');
  const mark = await tab.$eval('.mark', (element) => element.textContent).catch(() => '');
  if (!mark) problems.push('mark: the page has none');
  await tab.keyboard.press('Tab');
  const first = await tab.evaluate(() => document.activeElement?.className);
  if (first !== 'skip') problems.push(`keyboard: the first stop is ${first}, not the link over the navigation`);
  const stuck = await tab.$$eval('.box', (boxes) => boxes.filter((box) => box.tabIndex !== 0 || !box.getAttribute('aria-label')).length);
  if (stuck) problems.push(`keyboard: ${stuck} boxes cannot be reached`);
  const printed = {};
  for (const format of ['A4', 'Letter']) {
    const { sheets, text } = await print(tab, format, mark, problems);
    printed[format] = sheets;
    // Twelve sections, a hundred rows: less is a loss, more is a waste of paper.
    if (sheets < 5 || sheets > 30) problems.push(`print: ${format}: ${sheets} sheets`);
    const wanted = ['Outcome', 'Left to do', 'Exceptions', 'Left to people', 'Timeline', 'attempts in trouble', 'Throughput against quota',
      'Populations and waves', 'What survives a reset', 'How to check it', 'NIST SP 800-63B', 'sha256sum --check', '<script>', '[U+202E]', '(10,000 characters)'];
    for (const words of wanted) {
      if (!text.includes(words.replace(/\s+/g, ''))) problems.push(`print: ${format}: ${words} is not on paper`);
    }
  }
  await tab.close();
  return { problems, rules, printed, html };
}

// What the policy forbids is tried: nothing may run, nothing may be asked for.
async function attack(file) {
  const tab = await browser.newPage();
  await tab.goto(pathToFileURL(resolve(file)).href);
  const outcome = await tab.evaluate(async () => {
    const refused = [];
    document.addEventListener('securitypolicyviolation', (event) => refused.push(event.effectiveDirective));
    const script = document.createElement('script');
    script.textContent = 'globalThis.ran = true';
    document.body.append(script);
    const image = document.createElement('img');
    image.src = 'http://127.0.0.1:9/pixel.png';
    document.body.append(image);
    const styled = document.createElement('p');
    styled.setAttribute('style', 'color: red');
    document.body.append(styled);
    await fetch('http://127.0.0.1:9/').catch(() => {});
    await new Promise((done) => setTimeout(done, 100));
    return { ran: globalThis.ran === true, refused };
  });
  await tab.close();
  const wanted = ['script-src-elem', 'img-src', 'style-src-attr', 'connect-src'];
  const missing = wanted.filter((directive) => !outcome.refused.includes(directive));
  return [...missing.map((directive) => `policy: ${directive} is not refused`), ...(outcome.ran ? ['policy: a script ran'] : [])];
}

// A copy with a fault of every kind: a check that does not see them checks nothing.
async function planted(html) {
  const broken = html
    .replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, '')
    .replace('<html lang="en">', '<html>')
    .replace('</main>', '<p style="width:3000px;color:#aaa;background:#bbb">wide</p><img src="http://127.0.0.1:9/x.png"></main>')
    .replace('</body>', '<script>console.error("planted")</script></body>')
    .replace('class="skip"', 'class="nothing"')
    .replace('@top-center{content:"', '@top-center{content:"" "')
    .replace('content:"page "', 'content:"sheet "')
    .replace(/details::details-content\{[^}]*\}/, '')
    .replace(/<div class="stamp"[^]*?<\/div>/, '')
    .replaceAll('[U+202E]', '');
  const file = join(work, 'planted.html');
  await writeFile(file, broken.replaceAll(/@top-center\{content:"" "[^"]*"/g, '@top-center{content:""'));
  const { problems } = await examine(file);
  const wanted = ['console: error: planted', 'request: http://127.0.0.1:9/x.png', 'sideways:', 'axe: html-has-lang', 'axe: image-alt',
    'axe: color-contrast', 'keyboard: the first stop', 'has no number', 'is not marked', 'attempts in trouble is not on paper', '[U+202E] is not on paper'];
  return wanted.filter((words) => !problems.some((problem) => problem.includes(words))).map((words) => `planted and not found: ${words}`);
}

let problems = [];
try {
  await mkdir(work, { recursive: true });
  if (shots) await mkdir(shots, { recursive: true });
  const { problems: seen, rules, printed, html } = await examine(page);
  problems = [...seen, ...(await attack(page))];
  if (!shots) problems.push(...(await planted(html)));
  console.log(`${await browser.version()}: ${SIGHTS.length} sights, ${rules} rules of axe, A4 ${printed.A4} sheets, Letter ${printed.Letter} sheets`);
} finally {
  await browser.close();
}
console.log(problems.length ? problems.join('\n') : 'the page is as it should be');
process.exitCode = problems.length ? 1 : 0;
