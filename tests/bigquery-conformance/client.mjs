// Google's own client for the stand-in, and how its values and errors are printed.
import {BigQuery} from '@google-cloud/bigquery';
import {PassThroughClient} from 'google-auth-library';

export const project = 'test-project';

export const connect = url => new BigQuery({projectId: project, apiEndpoint: url, authClient: new PassThroughClient()});

// NaN and infinities are null in JSON; bytes are easier to read in base64.
const plain = value => {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object') return value;
  if (value.constructor?.name?.startsWith('BigQuery')) return plain(value.value);
  if (value.constructor?.name === 'Big') return value.toFixed();
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
};

/** Runs one step and prints a line with its value, or with the code and reason of its error. */
export const step = async (name, action) => {
  try {
    console.log(JSON.stringify({step: name, value: plain(await action())}));
  } catch (error) {
    const first = error.errors?.[0] ?? {};
    console.log(JSON.stringify({step: name, error: {code: error.code ?? null, reason: first.reason ?? error.reason ?? null, message: first.message ?? error.message}}));
  }
};
