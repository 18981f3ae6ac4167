import pino, { type DestinationStream, type Logger } from 'pino';
import type { LogLevel } from '../../config-variables.ts';

/** Fields that are starred out wherever a library's error brings them along. Ours never carry one. */
const SECRET_FIELDS = ['authorization', 'cookie', 'password', 'secret', 'token'] as const;

/** JSON lines on stdout (docs/logging.md): fields and a static message, times in UTC. */
export function createLog(level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { service: 'autoheal' },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      // A wildcard is one level: the field itself, an error's, an error's headers'.
      paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
      censor: '[redacted]',
    },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
