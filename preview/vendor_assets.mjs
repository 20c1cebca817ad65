/**
 * Copies the pinned browser assets out of node_modules to where they are served from, each folder with a
 * MANIFEST.json (package, version, licence, sha256), and makes the icon sprite.
 * `node vendor_assets.mjs` writes, `node vendor_assets.mjs --check` fails on any difference.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const repository = path.resolve(here, '..');
const modules = path.join(here, 'node_modules');

const TARGETS = {
  'consoles/static/vendor': {
    bootstrap: ['dist/css/bootstrap.min.css', 'dist/js/bootstrap.bundle.min.js', 'LICENSE'],
    'bootstrap-icons': ['LICENSE'],
    'htmx.org': ['dist/htmx.min.js', 'LICENSE'],
    'zxing-wasm': ['dist/iife/reader/index.js', 'dist/reader/zxing_reader.wasm', 'LICENSE'],
    'swagger-ui-dist': [
      'swagger-ui.css',
      'swagger-ui-bundle.js',
      'swagger-ui-bundle.js.LICENSE.txt',
      'LICENSE',
      'NOTICE',
    ],
  },
  // Its package carries no licence file; the MIT text beside it repeats the notice in the source.
  'miniprogram/vendor': { 'qrcode-generator': ['dist/qrcode.js'] },
};

/** Only what the pages use: the full sprite weighs over a megabyte. */
const SPRITE = 'consoles/static/icons.svg';
const ICONS = [
  'arrow-clockwise', 'arrow-counterclockwise', 'award', 'bell', 'box-arrow-right', 'camera', 'cash-stack',
  'check-circle-fill', 'clock-history', 'exclamation-triangle-fill', 'gear', 'info-circle', 'keyboard',
  'lightning', 'list', 'moon', 'people', 'person', 'person-circle', 'phone', 'plus-lg', 'printer', 'qr-code-scan',
  'receipt', 'search', 'send', 'shop', 'star-fill', 'sun', 'trash', 'translate', 'upc-scan', 'wallet2', 'wifi-off',
  'x-circle-fill', 'x-lg',
];

const packageOf = (name) => JSON.parse(fs.readFileSync(path.join(modules, name, 'package.json'), 'utf8'));

/** The maps are not shipped, and a comment that points to one is a 404 in every browser's tools. */
function withoutSourceMap(file, bytes) {
  if (!/\.(js|css)$/.test(file)) return bytes;
  const text = bytes.toString('utf8').replace(/\n?(\/\/# sourceMappingURL=\S+|\/\*# sourceMappingURL=[^*]+\*\/)/g, '');
  return Buffer.from(text);
}

/** What one folder should hold, by path in the repository. */
function vendored(folder, packages) {
  const files = new Map();
  const manifest = {};
  for (const [name, wanted] of Object.entries(packages)) {
    const { version, license } = packageOf(name);
    for (const source of wanted) {
      const bytes = withoutSourceMap(source, fs.readFileSync(path.join(modules, name, source)));
      const target = `${name}/${path.basename(source)}`;
      files.set(`${folder}/${target}`, bytes);
      const sha256 = crypto.createHash('sha256').update(bytes).digest('hex');
      manifest[target] = { package: name, version, licence: license, sha256, bytes: bytes.length };
    }
  }
  files.set(`${folder}/MANIFEST.json`, Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
  return files;
}

function sprite() {
  const symbols = ICONS.map((name) => {
    const svg = fs.readFileSync(path.join(modules, 'bootstrap-icons/icons', `${name}.svg`), 'utf8');
    const inner = svg.replace(/^[\s\S]*?<svg[^>]*>/, '').replace('</svg>', '').trim().replace(/\n\s*/g, '');
    return `  <symbol id="${name}" viewBox="0 0 16 16" fill="currentColor">${inner}</symbol>`;
  });
  const note = `<!-- Bootstrap Icons ${packageOf('bootstrap-icons').version}, MIT. Made by preview/vendor_assets.mjs -->`;
  return Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg">\n  ${note}\n${symbols.join('\n')}\n</svg>\n`);
}

const wanted = new Map([[SPRITE, sprite()]]);
for (const [folder, packages] of Object.entries(TARGETS)) {
  for (const [file, bytes] of vendored(folder, packages)) wanted.set(file, bytes);
}

if (process.argv.includes('--check')) {
  const differs = (file, bytes) => {
    const at = path.join(repository, file);
    return !fs.existsSync(at) || !fs.readFileSync(at).equals(bytes);
  };
  const changed = [...wanted].filter(([file, bytes]) => differs(file, bytes)).map(([file]) => file);
  if (changed.length) {
    console.error(`vendored assets are out of date (${changed.join(', ')}): run  node preview/vendor_assets.mjs`);
    process.exitCode = 1;
  } else {
    console.log('vendored assets are up to date');
  }
} else {
  let total = 0;
  for (const [file, bytes] of wanted) {
    const at = path.join(repository, file);
    fs.mkdirSync(path.dirname(at), { recursive: true });
    fs.writeFileSync(at, bytes);
    total += bytes.length;
  }
  console.log(`${wanted.size} files, ${Math.round(total / 1024)} KiB`);
}
