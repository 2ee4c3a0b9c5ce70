// Checks a webhook with the standard's own library: reads {secret, headers, body} from standard input, says 'good' or why not.
const { Webhook } = require('standardwebhooks');

const { secret, headers, body } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
try {
  new Webhook(secret).verify(body, headers);
  console.log('good');
} catch (error) {
  console.log(String(error));
}
