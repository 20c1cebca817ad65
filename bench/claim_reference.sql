-- The rows of a claimed coupon, and nothing else: one plain statement after another in one transaction, the stock last.
\set n :n + 1
\set number 100000000000000000 + :run * 100000000000000 + :client_id * 100000000000 + :n
-- Each client has members of its own, so that no two count a member's coupons at once.
\set member 1 + :client_id + :clients * random(0, :members / :clients - 1)
BEGIN;
SELECT count(*) + 1 AS nth FROM coupons WHERE template_id = :template AND issued_to = :member \gset
INSERT INTO coupons (id, template_id, face_id, issued_to, nth, source, source_id, issued_at, issued_on, uses, valid_from,
        valid_until, member_id)
    VALUES ('01CLAIMR' || :number, :template, :face, :member, :nth, 'claim', '01CLAIMR' || :number, now(), current_date, 1,
        now(), now() + interval '30 days', :member);
INSERT INTO coupon_events (coupon_id, kind, member_id, at) VALUES ('01CLAIMR' || :number, 'issued', :member, now());
INSERT INTO idempotency_keys (scope, key, request_hash, answer, created_at)
    VALUES ('member:' || :member, 'claim-reference-' || :number, CAST(:hash AS bytea), :answer, now());
UPDATE coupon_stock SET issued = issued + 1 WHERE template_id = :template;
COMMIT;
