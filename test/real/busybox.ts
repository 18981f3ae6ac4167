import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { partProgram } from './parts.ts';
import { temporaryFolder } from './ready.ts';

/** The image's name. Debian's busybox crashes on `wget -T`: use `timeout 4 wget -q -O-`. */
export const BUSYBOX = 'busybox:latest';

/** Makes `busybox:latest` of this machine's own busybox, without a registry (0.2 s). */
export async function busyboxImage(docker: Docker): Promise<void> {
  const root = temporaryFolder('busybox');
  try {
    fillRoot(root);
    const tar = spawn('tar', ['-C', root, '--numeric-owner', '-c', '.'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const progress = await docker.importImage(tar.stdout, {
      repo: 'busybox',
      tag: 'latest',
      changes: ['CMD ["sh"]', 'ENV PATH=/bin'],
    });
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(progress, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
    await docker.getImage(BUSYBOX).inspect();
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** A root folder with every applet as a link, and the few folders and files that programs expect. */
function fillRoot(root: string): void {
  const busybox = partProgram('busybox');
  for (const folder of ['bin', 'etc', 'tmp', 'proc', 'sys', 'dev']) mkdirSync(join(root, folder));
  copyFileSync(busybox, join(root, 'bin/busybox'));
  const applets = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  for (const applet of applets) {
    if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet));
  }
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n');
}
