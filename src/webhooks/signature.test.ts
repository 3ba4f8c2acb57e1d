import { expect, test } from 'vitest';
import { newWebhookSecret, signatureHeaders } from './signature.ts';

/** The example of the specification's reference libraries. */
const known = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  message: { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1614265330, body: '{"test": 2432232314}' },
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
};

test('is that of the specification', () => {
  expect(signatureHeaders(known.message, [known.secret])).toEqual({
    'webhook-id': known.message.id,
    'webhook-timestamp': '1614265330',
    'webhook-signature': known.signature,
  });
});

test('there is one for each secret', () => {
  const [first = '', second = '', ...rest] = (
    signatureHeaders(known.message, [newWebhookSecret(), known.secret])['webhook-signature'] ?? ''
  ).split(' ');
  expect(first).not.toBe(known.signature);
  expect(second).toBe(known.signature);
  expect(rest).toEqual([]);
});

test('secrets are 256 random bits each', () => {
  const secret = newWebhookSecret();
  expect(secret).toMatch(/^whsec_/);
  expect(Buffer.from(secret.slice('whsec_'.length), 'base64')).toHaveLength(32);
  expect(newWebhookSecret()).not.toBe(secret);
});
