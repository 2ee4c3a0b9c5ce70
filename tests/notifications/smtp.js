// An SMTP server that takes whatever it is sent and writes it to standard output: first its port, then one line of JSON per message. With a user and a password as arguments it lets nobody
// else in. With STARTTLS=1 it offers encryption, with a certificate that nobody trusts.
const { SMTPServer } = require('smtp-server');
const { simpleParser } = require('mailparser');

const [user, password] = process.argv.slice(2);
const server = new SMTPServer({
  authOptional: !user,
  allowInsecureAuth: true,
  disabledCommands: process.env.STARTTLS ? [] : ['STARTTLS'],
  onAuth: (auth, session, done) => auth.username === user && auth.password === password ? done(null, { user }) : done(new Error('No such user.')),
  onData(stream, session, done) {
    simpleParser(stream).then(mail => {
      console.log(JSON.stringify({
        from: mail.from?.text, to: mail.to?.text, subject: mail.subject, text: mail.text, id: mail.messageId, automatic: mail.headers.get('auto-submitted'), secure: session.secure, user: session.user ?? null,
      }));
      done();
    }, done);
  },
});
server.on('error', () => {});
server.listen(0, '127.0.0.1', () => console.log(server.server.address().port));
