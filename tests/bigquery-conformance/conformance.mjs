// node conformance.mjs URL FILE WRONG: what Google's client sees of the stand-in, one JSON line a step.
// FILE has rows of every type for 2026-10-01; WRONG has rows of two days.
import {connect, step} from './client.mjs';

const [url, file, wrong] = process.argv.slice(2);
const bq = connect(url);
const dataset = bq.dataset('ml');
const table = dataset.table('every');
const parquet = {sourceFormat: 'PARQUET', location: 'EU', parquetOptions: {enableListInference: true}};
const fields = [
  {name: 'day', type: 'DATE'}, {name: 'i', type: 'INT64'}, {name: 'f', type: 'FLOAT64'}, {name: 'b', type: 'BOOL'}, {name: 's', type: 'STRING'}, {name: 'y', type: 'BYTES'},
  {name: 'ts', type: 'TIMESTAMP'}, {name: 'dt', type: 'DATETIME'}, {name: 't', type: 'TIME'}, {name: 'n', type: 'NUMERIC'}, {name: 'j', type: 'JSON'},
  {name: 'l', type: 'STRING', mode: 'REPEATED'}, {name: 'r', type: 'RECORD', fields: [{name: 'x', type: 'INT64'}, {name: 'z', type: 'STRING', mode: 'REPEATED'}]},
];
const schema = {fields};
const pick = (object, ...names) => Object.fromEntries(names.map(name => [name, object[name]]));

await step('dataset is missing', async () => (await dataset.exists())[0]);
await step('create dataset', async () => pick((await bq.createDataset('ml', {location: 'EU', labels: {team: 'ml'}}))[1], 'id', 'location', 'labels'));
await step('create dataset twice', async () => bq.createDataset('ml'));
await step('dataset exists', async () => (await dataset.exists())[0]);

await step('create table', async () => {
  const [, created] = await dataset.createTable('every', {schema, timePartitioning: {type: 'DAY', field: 'day'}, clustering: {fields: ['i']}, labels: {kind: 'test'}});
  return {...pick(created, 'id', 'type', 'location', 'labels', 'clustering', 'timePartitioning', 'numRows'), types: created.schema.fields.map(f => f.type).join(' ')};
});
await step('create table twice', async () => dataset.createTable('every', {schema}));
await step('create table with a bad partition', async () => dataset.createTable('bad', {schema, timePartitioning: {type: 'DAY', field: 's'}}));
await step('missing table', async () => dataset.table('none').getMetadata());
await step('missing dataset', async () => bq.dataset('none').getMetadata());

await step('load', async () => {
  const [job] = await table.load(file, {...parquet, schema, jobId: 'load-1', writeDisposition: 'WRITE_APPEND'});
  return {state: job.status.state, ...pick(job.jobReference, 'jobId', 'location'), outputRows: job.statistics.load.outputRows};
});
await step('load under the same id', async () => table.load(file, {...parquet, schema, jobId: 'load-1'}));
await step('load of a wrong day', async () => dataset.table('every$20261001').load(wrong, {...parquet, schema, writeDisposition: 'WRITE_TRUNCATE'}));
await step('load into nothing', async () => dataset.table('none').load(file, {...parquet, schema, createDisposition: 'CREATE_NEVER'}));
await step('rows', async () => (await table.getRows({wrapIntegers: true}))[0]);
await step('rows by pages', async () => {
  const sizes = [];
  for (let query = {maxResults: 1, autoPaginate: false}; query;) {
    const [rows, next] = await table.getRows(query);
    sizes.push(rows.length);
    query = next;
  }
  return sizes;
});
await step('basic metadata', async () => pick((await table.getMetadata({view: 'BASIC'}))[0], 'numRows'));
await step('metadata', async () => pick((await table.getMetadata())[0], 'numRows', 'numPartitions'));

await step('query', async () => (await bq.query({query: 'SELECT s, i, ts, l FROM `test-project.ml.every` WHERE i IS NOT NULL ORDER BY i', location: 'EU', wrapIntegers: true}))[0]);
await step('query of another location', async () => bq.query({query: 'SELECT 1 FROM `test-project.ml.every`', location: 'US', jobId: 'elsewhere'}));
await step('query by pages', async () => {
  const [job] = await bq.createQueryJob({query: 'SELECT i FROM `ml.every`', location: 'EU'});
  const sizes = [];
  for (let query = {maxResults: 2, autoPaginate: false}; query;) {
    const [rows, next] = await job.getQueryResults(query);
    sizes.push(rows.length);
    query = next;
  }
  return sizes;
});
await step('query with a mistake', async () => bq.query({query: 'SELEC 1', location: 'EU'}));
await step('query of a missing table', async () => bq.query({query: 'SELECT 1 FROM `ml.none`', location: 'EU'}));
await step('query without rows', async () => (await bq.query({query: 'SELECT s FROM `ml.every` WHERE i = 4711', location: 'EU'}))[0]);
await step('dry run', async () => {
  const [job] = await bq.createQueryJob({query: 'SELECT i FROM `ml.every`', location: 'EU', dryRun: true});
  return {bytes: job.metadata.statistics.totalBytesProcessed, type: job.metadata.statistics.query.statementType};
});
await step('too many bytes', async () => bq.query({query: 'SELECT i FROM `ml.every`', location: 'EU', maximumBytesBilled: '1000', jobId: 'dear'}));
await step('merge', async () => {
  const [job] = await bq.createQueryJob({
    query: "MERGE `ml.every` T USING (SELECT DATE '2026-10-01' AS day, 1 AS i, 'new' AS s UNION ALL SELECT DATE '2026-10-01', 77, 'more') S ON T.day = S.day AND T.i = S.i WHEN MATCHED THEN UPDATE SET s = S.s WHEN NOT MATCHED THEN INSERT (day, i, s) VALUES (S.day, S.i, S.s)",
    location: 'EU',
  });
  await job.getQueryResults();
  return (await job.getMetadata())[0].statistics.query.dmlStats;
});
await step('merge is there', async () => (await bq.query({query: "SELECT i, s FROM `ml.every` WHERE s IN ('new', 'more') ORDER BY i", location: 'EU'}))[0]);

await step('patch', async () => pick((await table.setMetadata({description: 'every type', labels: {kind: null, more: 'x'}}))[0], 'description', 'labels'));
await step('patch a stale table', async () => table.request({method: 'PATCH', uri: '', json: {description: 'other'}, headers: {'If-Match': 'old'}}));
await step('add a column', async () => (await table.setMetadata({schema: {fields: [...fields, {name: 'added', type: 'STRING'}]}}))[0].schema.fields.length);
await step('drop a column', async () => table.setMetadata({schema}));
await step('filter is required', async () => {
  await table.setMetadata({requirePartitionFilter: true});
  return bq.query({query: 'SELECT i FROM `ml.every`', location: 'EU'});
});
await step('filter is there', async () => (await bq.query({query: "SELECT count(*) AS n FROM `ml.every` WHERE day = '2026-10-01'", location: 'EU'}))[0]);

await step('copy', async () => {
  const [job] = await table.copy(dataset.table('copied'), {location: 'EU', writeDisposition: 'WRITE_TRUNCATE'});
  return {state: job.status.state, copiedRows: job.statistics.copy.copiedRows};
});
await step('copied table', async () => pick((await dataset.table('copied').getMetadata())[0], 'numRows', 'timePartitioning'));
await step('copy onto rows', async () => table.copy(dataset.table('copied'), {location: 'EU', writeDisposition: 'WRITE_EMPTY'}));
await step('list tables', async () => (await dataset.getTables())[0].map(t => t.id));
await step('list datasets', async () => (await bq.getDatasets())[0].map(d => d.id));
await step('view', async () => {
  await dataset.createTable('seen', {view: {query: "SELECT i, s FROM `test-project.ml.copied` WHERE day = '2026-10-01'", useLegacySql: false}});
  return (await bq.query({query: 'SELECT count(*) AS n FROM `ml.seen`', location: 'EU'}))[0];
});
await step('job elsewhere', async () => bq.job('load-1', {location: 'US'}).getMetadata());
await step('cancel', async () => {
  const [job] = await bq.createJob({configuration: {query: {query: 'SELECT 1', useLegacySql: false}}, jobReference: {projectId: 'test-project', jobId: 'cancelled', location: 'EU'}});
  await job.cancel();
  return (await job.getMetadata())[0].status.errorResult.reason;
});
await step('delete partition', async () => {
  await dataset.table('copied$20261001').delete();
  return pick((await dataset.table('copied').getMetadata())[0], 'numRows');
});
await step('delete table', async () => {
  await dataset.table('seen').delete();
  await dataset.table('copied').delete();
  return (await dataset.table('copied').exists())[0];
});
await step('delete dataset with tables', async () => dataset.delete());
await step('delete dataset', async () => {
  await dataset.delete({force: true});
  return (await dataset.exists())[0];
});
