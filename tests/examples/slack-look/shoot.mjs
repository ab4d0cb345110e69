// Draws every scene in light and dark, at a desk and on a phone: node shoot.mjs PEERS PAGE SCENES OUT
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
const [peers, page, scenes, out] = process.argv.slice(2);
const { chromium } = createRequire(peers + '/package.json')('playwright-core');
const face = weight => {
  const file = readFileSync(`${peers}/node_modules/@fontsource/lato/files/lato-latin-${weight}-normal.woff2`).toString('base64');
  return `@font-face { font-family: Lato; font-weight: ${weight}; src: url(data:font/woff2;base64,${file}) }`;
};
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update'],
});
for (const width of ['desk', 'phone']) {
  const context = await browser.newContext({ deviceScaleFactor: 2, viewport: { width: width === 'desk' ? 800 : 420, height: 600 } });
  const tab = await context.newPage();
  await tab.goto('file://' + page);
  await tab.addStyleTag({ content: [400, 700, 900].map(face).join('\n') });
  for (const theme of ['light', 'dark']) {
    for (const scene of JSON.parse(readFileSync(scenes, 'utf8'))) {
      await tab.evaluate(([scene, width, theme]) => draw(scene, width, theme), [scene, width, theme]);
      await tab.evaluate(() => document.fonts.ready);
      await tab.locator('#shot').screenshot({ path: `${out}/${scene.name}-${width}-${theme}.png` });
    }
  }
}
await browser.close();
