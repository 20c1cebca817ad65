"""Questions about surveys and feedback; asked with all others (app/ledger/check.py)."""

SURVEY_QUESTIONS = {
    "whoever took part in a survey answered it, once": """
        SELECT coalesce(p.activity_id, a.activity_id) AS what,
            coalesce(p.n, 0) || ' took part, ' || coalesce(a.n, 0) || ' answers' AS detail
        FROM (SELECT activity_id, form_no, count(*) AS n FROM survey_participants GROUP BY 1, 2) p
        FULL JOIN (SELECT activity_id, form_no, count(*) AS n FROM survey_answers GROUP BY 1, 2) a
            USING (activity_id, form_no)
        WHERE p.n IS DISTINCT FROM a.n
        UNION ALL
        SELECT a.id, 'of a member who took no part' FROM survey_answers a
        WHERE a.member_id IS NOT NULL AND NOT EXISTS (SELECT FROM survey_participants p
            WHERE (p.activity_id, p.member_id, p.form_no) = (a.activity_id, a.member_id, a.form_no))
        UNION ALL
        SELECT g.id, 'granted for no answer' FROM activity_grants g
        JOIN activities a ON a.id = g.activity_id AND a.kind = 'survey'
        WHERE NOT EXISTS (SELECT FROM survey_participants p
            WHERE (p.activity_id, p.member_id) = (g.activity_id, g.member_id))""",
    "an anonymous answer names nobody": """
        SELECT a.id AS what, 'form ' || a.form_no AS detail FROM survey_answers a
        JOIN survey_forms f ON (f.activity_id, f.form_no) = (a.activity_id, a.form_no)
        WHERE a.anonymous <> f.anonymous OR (f.anonymous AND a.member_id IS NOT NULL)""",
    "feedback holds its messages, numbered without a gap": """
        SELECT t.id AS what, t.messages || ', there are ' || m.n || ' up to ' || m.last AS detail
        FROM feedback_threads t CROSS JOIN LATERAL (SELECT count(*) AS n, coalesce(max(x.message_no), 0) AS last,
                count(*) FILTER (WHERE x.author = 'staff') AS answers,
                count(*) FILTER (WHERE x.message_no = 1 AND x.author = 'member') AS begun
            FROM feedback_messages x WHERE x.thread_id = t.id) m
        WHERE t.messages <> m.n OR m.n <> m.last OR m.begun <> 1 OR (t.answered_at IS NOT NULL) <> (m.answers > 0)
            OR t.read_no > t.messages
        UNION ALL
        SELECT t.id, 'about the purchase of somebody else' FROM feedback_threads t JOIN sales s ON s.id = t.sale_id
        WHERE s.member_id IS DISTINCT FROM t.member_id""",
    "whoever took consent back has no words here": """
        SELECT x.thread_id AS what, t.state || ', message ' || x.message_no AS detail
        FROM feedback_messages x JOIN feedback_threads t ON t.id = x.thread_id JOIN members m ON m.id = t.member_id
        WHERE (x.body IS NULL) <> (t.state = 'erased') OR (m.status = 'withdrawn' AND x.body IS NOT NULL)
        UNION ALL
        SELECT a.id, 'an answer' FROM survey_answers a JOIN members m ON m.id = a.member_id
        WHERE m.status = 'withdrawn'""",
    "the guards of surveys and feedback are in place": """
        SELECT w AS what, 'trigger missing or off' AS detail
        FROM unnest(ARRAY['survey_forms_append_only', 'survey_participants_append_only', 'survey_answers_kept',
            'survey_answers_only_forgotten', 'feedback_threads_kept', 'feedback_messages_kept',
            'feedback_messages_only_forgotten']) w
        WHERE NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgname = w AND g.tgenabled IN ('O', 'A'))
        UNION ALL
        SELECT w, 'unique key or limit missing' FROM unnest(ARRAY['pk_survey_participants',
            'uq_survey_answers_member_id_activity_id', 'ck_survey_answers_anonymous_names_nobody',
            'pk_feedback_messages', 'ck_feedback_threads_read_within']) w
        WHERE NOT EXISTS (SELECT FROM pg_constraint p WHERE p.conname = w)""",
}
