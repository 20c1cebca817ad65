/**
 * Bundles the unmodified mini-program onto glass-easel, WeChat's own open component framework, so that it runs in
 * a browser:  `node build.mjs`  writes dist/,  `node build.mjs --check`  fails if dist/ is not what it would write.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';
import { compile } from './compile.mjs';
import { templates as builtInTemplates } from './runtime/built_in_templates.js';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../miniprogram');
const committed = path.join(here, 'dist');
/** What is in mp.js, and where each says under which terms. */
const PACKAGES = ['glass-easel', 'glass-easel-miniprogram-adapter'];
const options = { bundle: true, minify: true, charset: 'utf8', target: ['chrome109', 'safari16'], logLevel: 'warning' };

/** The program that starts the runtime with this mini-program in it. */
function entry({ app, components, templates, builtIns }) {
  const list = components.map(
    ({ name, isPage, json, scope }) => `{
      name: ${JSON.stringify(name)}, isPage: ${isPage}, json: ${JSON.stringify(json)}, scope: ${JSON.stringify(scope)},
      load: () => require(${JSON.stringify(`${root}/${name}.js`)}),
    }`,
  );
  return `
    import { start } from './runtime/main.js';
    start({
      app: ${JSON.stringify(app)},
      loadApp: () => require(${JSON.stringify(`${root}/app.js`)}),
      components: [${list.join(',')}],
      templates: ${templates},
      builtIns: ${builtIns},
    });`;
}

function licences() {
  const texts = PACKAGES.map((name) => `${name}\n\n${fs.readFileSync(path.join(here, 'node_modules', name, 'LICENSE'), 'utf8')}`);
  const qr = fs.readFileSync(path.join(root, 'vendor/qrcode-generator/LICENSE'), 'utf8');
  return [...texts, `qrcode-generator\n\n${qr}`].join('\n\n----\n\n');
}

async function build(out) {
  const program = compile(root, builtInTemplates);
  fs.mkdirSync(out, { recursive: true });
  await esbuild.build({
    ...options,
    stdin: { contents: entry(program), resolveDir: here, loader: 'js' },
    format: 'iife',
    legalComments: 'none',
    banner: { js: '/* Made by preview/build.mjs; see LICENSES.txt */' },
    outfile: path.join(out, 'mp.js'),
  });
  const shell = fs.readFileSync(path.join(here, 'runtime/shell.css'), 'utf8');
  await esbuild.build({
    ...options,
    stdin: { contents: `${shell}\n${program.css}`, resolveDir: here, loader: 'css' },
    outfile: path.join(out, 'mp.css'),
  });
  fs.writeFileSync(path.join(out, 'LICENSES.txt'), licences());
  for (const name of ['index.html', 'policy.html', 'policy.css']) {
    fs.copyFileSync(path.join(here, 'runtime', name), path.join(out, name));
  }
  fs.cpSync(path.join(root, 'assets'), path.join(out, 'assets'), { recursive: true });
}

function filesIn(folder) {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

function drift(fresh) {
  const names = new Set([...filesIn(fresh), ...filesIn(committed)]);
  const bytes = (folder, name) => {
    const file = path.join(folder, name);
    return fs.existsSync(file) ? fs.readFileSync(file) : Buffer.from('missing');
  };
  return [...names].filter((name) => !bytes(fresh, name).equals(bytes(committed, name)));
}

if (process.argv.includes('--check')) {
  const fresh = fs.mkdtempSync(path.join(os.tmpdir(), 'preview-'));
  try {
    await build(fresh);
    const changed = drift(fresh);
    if (changed.length) {
      console.error(`preview/dist is out of date (${changed.join(', ')}): run  node preview/build.mjs`);
      process.exitCode = 1;
    } else {
      console.log('preview/dist is up to date');
    }
  } finally {
    fs.rmSync(fresh, { recursive: true });
  }
} else {
  fs.rmSync(committed, { recursive: true, force: true });
  await build(committed);
  for (const name of filesIn(committed)) console.log(name, fs.statSync(path.join(committed, name)).size);
}
