// Our previews beside sharp's: `node bench.mjs TIME FOLDER`, where TIME is the built example `time` of the crate
// `preview`, and FOLDER keeps the inputs. Prints a Markdown table.
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { makeInputs } from './inputs.mjs';

const ROUNDS = 5;
const TIMES = 5;

// One thread and no cache: every rendering is a first one.
sharp.concurrency(1);
sharp.cache(false);

const bySharp = async (source, path) => {
  const preview = sharp(source).autoOrient().resize(200, 200, { fit: 'inside', withoutEnlargement: true });
  const transparent = /rgba|svg/.test(path);
  await (transparent ? preview.png() : preview.jpeg({ quality: 80 })).toBuffer();
};

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

const peak = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024;

const ours = (time, path, times) => {
  try {
    return execFileSync(time, [path, String(times)], { encoding: 'utf8', stdio: 'pipe' }).split(' ').map(Number);
  } catch {
    return undefined;
  }
};

const row = async (time, { path, description }) => {
  const source = readFileSync(path);
  const [our, their] = [[], []];
  // In turn, so that whatever else the machine does meets both.
  for (let round = 0; round < ROUNDS; round++) {
    our.push(ours(time, path, TIMES)?.[0]);
    for (let i = 0; i < TIMES; i++) {
      const start = performance.now();
      await bySharp(source, path);
      their.push(performance.now() - start);
    }
  }
  const size = `${description}, ${(statSync(path).size / 1e6).toFixed(1)} MB`;
  const theirs = [median(their), Number(execFileSync(process.execPath, [fileURLToPath(import.meta.url), path], { encoding: 'utf8' }))];
  if (our.includes(undefined)) return [size, '-', theirs[0].toFixed(1), '-', '-', theirs[1].toFixed(0)];
  const milliseconds = median(our);
  return [size, milliseconds.toFixed(1), theirs[0].toFixed(1), (milliseconds / theirs[0]).toFixed(2), ours(time, path, 1)[1].toFixed(0), theirs[1].toFixed(0)];
};

const [time, folder] = process.argv.slice(2);
if (folder === undefined) {
  // The child whose memory is measured: one rendering, by sharp; its path is all that it is told.
  if (extname(time)) await bySharp(readFileSync(time), time);
  console.log(peak());
} else {
  const heads = ['input', 'ours, ms', 'sharp, ms', 'ratio', 'ours, peak MiB', 'sharp, peak MiB'];
  console.log(`| ${heads.join(' | ')} |\n| ${heads.map((_, i) => (i ? '---:' : '---')).join(' | ')} |`);
  for (const input of await makeInputs(folder)) console.log(`| ${(await row(time, input)).join(' | ')} |`);
  const idle = Number(execFileSync(process.execPath, [fileURLToPath(import.meta.url), 'idle'], { encoding: 'utf8' }));
  console.log(`\nMedians of ${ROUNDS * TIMES} renderings at 200 px, one thread each, in turn. Memory is the peak RSS of a process`);
  console.log(`that renders the file once, with the file; Node.js with sharp alone takes ${idle.toFixed(0)} MiB.`);
}
