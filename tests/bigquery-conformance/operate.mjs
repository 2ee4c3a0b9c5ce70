// node operate.mjs URL OPERATION [ARGUMENT…]: one thing, done by Google's client.
import {connect, step} from './client.mjs';

const [url, operation, ...args] = process.argv.slice(2);
const bq = connect(url);
const of = name => bq.dataset(name.split('.')[0]).table(name.split('.')[1], {location: 'EU'});

const operations = {
  rows: async name => (await of(name).getRows({wrapIntegers: true}))[0],
  query: async sql => (await bq.query({query: sql, location: 'EU', wrapIntegers: true}))[0],
  create: async (name, metadata) => (await bq.dataset(name.split('.')[0]).createTable(name.split('.')[1], JSON.parse(metadata)))[1].id,
  load: async (name, file, metadata) => (await of(name).load(file, JSON.parse(metadata)))[0].status.state,
  patch: async (name, metadata) => (await of(name).setMetadata(JSON.parse(metadata)))[0].id,
  job: async metadata => {
    const [job] = await bq.createJob(JSON.parse(metadata));
    await job.promise();
    return job.id;
  },
};

await step(operation, () => operations[operation](...args));
