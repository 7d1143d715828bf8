SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
CREATE FUNCTION public.cf_lamppost_ai_236b7217() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE v_key_1 integer[];
BEGIN
  SELECT array_agg(n."id") INTO v_key_1
    FROM cf_new n;
  IF v_key_1 IS NOT NULL THEN
    INSERT INTO "public"."_lamppost_cached_marks" (field, key_1)
    SELECT 'full_name', u.key_1
      FROM unnest(v_key_1) AS u(key_1);
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_lamppost_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.cf_lamppost_ai_236b7217() IS 'sea-orm-cached-field "public"."lamppost" fd31d9d8';
CREATE FUNCTION public.cf_lamppost_au_276b7863() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE
  v_key_1 integer[]; v_missed_key_1 integer[]; v_one_key_1 integer[];
  v_stale text; v_missed text; v_many boolean;
BEGIN
  SELECT EXISTS (SELECT FROM cf_new r OFFSET 1),
         ARRAY[n."id"],
         concat_ws(',', CASE WHEN o."id" IS DISTINCT FROM n."id" OR o."first_name"::text COLLATE "C" IS DISTINCT FROM n."first_name"::text COLLATE "C" OR o."city_id" IS DISTINCT FROM n."city_id" OR (n."full_name_recalculation_needed" AND NOT o."full_name_recalculation_needed") THEN 'full_name' END),
         concat_ws(',', CASE WHEN (o."id" IS DISTINCT FROM n."id" OR o."first_name"::text COLLATE "C" IS DISTINCT FROM n."first_name"::text COLLATE "C" OR o."city_id" IS DISTINCT FROM n."city_id") AND NOT n."full_name_recalculation_needed" THEN 'full_name' END)
    INTO v_many, v_one_key_1, v_stale, v_missed
    FROM cf_old o, cf_new n
   LIMIT 1;
  IF v_many THEN
    SELECT array_agg(e.key_1), array_agg(e.key_1) FILTER (WHERE NOT e.flag) INTO v_key_1, v_missed_key_1
      FROM (SELECT d.key_1, bool_or(d.flag) AS flag
              FROM (SELECT u.key_1,
                           bool_or(u.is_new) AS has_new,
                           bool_or(u.flag AND u.is_new) AS flag
                      FROM (
                            SELECT o."id" AS key_1, o."first_name"::text COLLATE "C" AS c_1, o."city_id" AS c_2, o."full_name_recalculation_needed" AS flag, false AS is_new
                              FROM cf_old o
                             UNION ALL
                            SELECT n."id" AS key_1, n."first_name"::text COLLATE "C" AS c_1, n."city_id" AS c_2, n."full_name_recalculation_needed" AS flag, true AS is_new
                              FROM cf_new n) u
                     GROUP BY u.key_1, u.c_1, u.c_2
                    HAVING count(*) <> 2
                        OR (bool_or(u.flag AND u.is_new)
                            AND bool_or(NOT u.flag AND NOT u.is_new))) d
             WHERE d.has_new
             GROUP BY d.key_1
             ORDER BY d.key_1) e;
  IF v_key_1 IS NOT NULL THEN
    INSERT INTO "public"."_lamppost_cached_marks" (field, key_1)
    SELECT 'full_name', u.key_1
      FROM unnest(v_key_1) AS u(key_1);
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_lamppost_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  END IF;
  IF v_missed_key_1 IS NOT NULL THEN -- another BEFORE trigger changed an input after ours
    PERFORM "public"."cf_lamppost_flag_066d2dcf"('full_name', v_missed_key_1);
  END IF;
  ELSE
    v_key_1 := CASE WHEN v_stale <> '' THEN v_one_key_1 END;
    v_missed_key_1 := CASE WHEN v_missed <> '' THEN v_one_key_1 END;
  IF v_key_1 IS NOT NULL THEN
    INSERT INTO "public"."_lamppost_cached_marks" (field, key_1)
    SELECT v_stale, u.key_1
      FROM unnest(v_key_1) AS u(key_1);
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_lamppost_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  END IF;
  IF v_missed_key_1 IS NOT NULL THEN -- another BEFORE trigger changed an input after ours
    PERFORM "public"."cf_lamppost_flag_066d2dcf"(v_missed, v_missed_key_1);
  END IF;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.cf_lamppost_au_276b7863() IS 'sea-orm-cached-field "public"."lamppost" 1bf5af07';
CREATE FUNCTION public.cf_lamppost_aur_1f2e02c3() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE v_stale text := concat_ws(',', CASE WHEN OLD."id" IS DISTINCT FROM NEW."id" OR OLD."first_name"::text COLLATE "C" IS DISTINCT FROM NEW."first_name"::text COLLATE "C" OR OLD."city_id" IS DISTINCT FROM NEW."city_id" OR (TG_NARGS = 1 AND NEW."full_name_recalculation_needed" AND NOT OLD."full_name_recalculation_needed") THEN 'full_name' END); v_missed text;
BEGIN
  IF v_stale <> '' THEN
    INSERT INTO "public"."_lamppost_cached_marks" (field, key_1)
    VALUES (v_stale, NEW."id");
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_lamppost_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
    v_missed := concat_ws(',', CASE WHEN 'full_name' = ANY (string_to_array(v_stale, ',')) AND NOT NEW."full_name_recalculation_needed" THEN 'full_name' END);
    IF v_missed <> '' THEN -- another BEFORE trigger changed an input after ours
      PERFORM "public"."cf_lamppost_flag_066d2dcf"(v_missed, ARRAY[NEW."id"]);
    END IF;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.cf_lamppost_aur_1f2e02c3() IS 'sea-orm-cached-field "public"."lamppost" 0c82171d';
CREATE FUNCTION public.cf_lamppost_bi_4372603c() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
BEGIN
  NEW."full_name_recalculation_needed" := true;
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION public.cf_lamppost_bi_4372603c() IS 'sea-orm-cached-field "public"."lamppost" 4fac353a';
CREATE FUNCTION public.cf_lamppost_bu_37724d58() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
BEGIN
  IF OLD."id" IS DISTINCT FROM NEW."id" OR OLD."first_name"::text COLLATE "C" IS DISTINCT FROM NEW."first_name"::text COLLATE "C" OR OLD."city_id" IS DISTINCT FROM NEW."city_id" OR (TG_NARGS = 1 AND NOT NEW."full_name_recalculation_needed" AND (OLD."full_name_recalculation_needed" OR OLD."cached_full_name"::text COLLATE "C" IS DISTINCT FROM NEW."cached_full_name"::text COLLATE "C")) THEN
    NEW."full_name_recalculation_needed" := true;
  END IF;
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION public.cf_lamppost_bu_37724d58() IS 'sea-orm-cached-field "public"."lamppost" 5a67a71e';
CREATE FUNCTION public.cf_lamppost_city__id__city_id_ad_d4602adc() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE v_links text[];
BEGIN
  SELECT array_agg(k.links) INTO v_links
    FROM (SELECT DISTINCT CASE WHEN r."id" IS NOT NULL THEN ARRAY[r."id"::text]::text END AS links
            FROM (SELECT r.* FROM cf_old r) r
           ORDER BY 1) k
   WHERE k.links IS NOT NULL;
  IF v_links IS NOT NULL THEN
    INSERT INTO "public"."_lamppost_cached_marks" (field, via, link, flush_links)
    SELECT 'full_name', 'city__id__city_id', u.link, CASE WHEN u.n = 1
             AND current_setting('transaction_isolation') = 'read committed' THEN v_links END
      FROM unnest(v_links) WITH ORDINALITY AS u(link, n);
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_lamppost_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.cf_lamppost_city__id__city_id_ad_d4602adc() IS 'sea-orm-cached-field "public"."lamppost" 20592b02';
CREATE FUNCTION public.cf_lamppost_city__id__city_id_ai_d96032bb() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE v_links text[];
BEGIN
  SELECT array_agg(k.links) INTO v_links
    FROM (SELECT DISTINCT CASE WHEN r."id" IS NOT NULL THEN ARRAY[r."id"::text]::text END AS links
            FROM (SELECT r.* FROM cf_new r) r
           ORDER BY 1) k
   WHERE k.links IS NOT NULL;
  IF v_links IS NOT NULL THEN
    INSERT INTO "public"."_lamppost_cached_marks" (field, via, link, flush_links)
    SELECT 'full_name', 'city__id__city_id', u.link, CASE WHEN u.n = 1
             AND current_setting('transaction_isolation') = 'read committed' THEN v_links END
      FROM unnest(v_links) WITH ORDINALITY AS u(link, n);
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_lamppost_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.cf_lamppost_city__id__city_id_ai_d96032bb() IS 'sea-orm-cached-field "public"."lamppost" 1a459bac';
CREATE FUNCTION public.cf_lamppost_city__id__city_id_at_c46011ac() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE v_key_1 integer[];
BEGIN
  SELECT array_agg(t."id") INTO v_key_1
    FROM "public"."lamppost" t;
  IF v_key_1 IS NOT NULL THEN
    INSERT INTO "public"."_lamppost_cached_marks" (field, key_1, flush_key_1)
    SELECT 'full_name', u.key_1, CASE WHEN u.n = 1
             AND current_setting('transaction_isolation') = 'read committed' THEN v_key_1 END
      FROM unnest(v_key_1) WITH ORDINALITY AS u(key_1, n);
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_lamppost_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.cf_lamppost_city__id__city_id_at_c46011ac() IS 'sea-orm-cached-field "public"."lamppost" 277eb415';
CREATE FUNCTION public.cf_lamppost_city__id__city_id_au_c560133f() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE
  v_links text[]; v_one_links text[];
  v_changed_1 boolean; v_fields text; v_many boolean;
BEGIN
  SELECT EXISTS (SELECT FROM cf_new r OFFSET 1),
         array_cat(CASE WHEN CASE WHEN n."id" IS NOT NULL THEN ARRAY[n."id"::text]::text END IS NOT NULL THEN ARRAY[CASE WHEN n."id" IS NOT NULL THEN ARRAY[n."id"::text]::text END] END,
                   CASE WHEN CASE WHEN o."id" IS NOT NULL THEN ARRAY[o."id"::text]::text END IS NOT NULL AND ROW(CASE WHEN o."id" IS NOT NULL THEN ARRAY[o."id"::text]::text END)::record *<> ROW(CASE WHEN n."id" IS NOT NULL THEN ARRAY[n."id"::text]::text END)::record THEN ARRAY[CASE WHEN o."id" IS NOT NULL THEN ARRAY[o."id"::text]::text END] END),
         o."id" IS DISTINCT FROM n."id" OR o."name"::text COLLATE "C" IS DISTINCT FROM n."name"::text COLLATE "C"
    INTO v_many, v_one_links, v_changed_1
    FROM cf_old o, cf_new n
   LIMIT 1;
  IF v_many THEN
  SELECT array_agg(k.links) INTO v_links
    FROM (SELECT DISTINCT CASE WHEN r."id" IS NOT NULL THEN ARRAY[r."id"::text]::text END AS links
            FROM (
                     SELECT u."id"
                       FROM (SELECT x."id", x."name"::text COLLATE "C" AS cf_read_1 FROM cf_old x
                             UNION ALL
                             SELECT x."id", x."name"::text COLLATE "C" AS cf_read_1 FROM cf_new x) u
                      GROUP BY u."id", u.cf_read_1
                     HAVING count(*) <> 2) r
           ORDER BY 1) k
   WHERE k.links IS NOT NULL;
  IF v_links IS NOT NULL THEN
    INSERT INTO "public"."_lamppost_cached_marks" (field, via, link, flush_links)
    SELECT 'full_name', 'city__id__city_id', u.link, CASE WHEN u.n = 1
             AND current_setting('transaction_isolation') = 'read committed' THEN v_links END
      FROM unnest(v_links) WITH ORDINALITY AS u(link, n);
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_lamppost_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  END IF;
  ELSE
  v_fields := concat_ws(',', CASE WHEN v_changed_1 THEN 'full_name' END);
  v_links := CASE WHEN v_fields <> '' THEN v_one_links END;
  IF v_links IS NOT NULL THEN
    INSERT INTO "public"."_lamppost_cached_marks" (field, via, link, flush_links)
    SELECT v_fields, 'city__id__city_id', u.link, CASE WHEN u.n = 1
             AND current_setting('transaction_isolation') = 'read committed' THEN v_links END
      FROM unnest(v_links) WITH ORDINALITY AS u(link, n);
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_lamppost_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  END IF;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.cf_lamppost_city__id__city_id_au_c560133f() IS 'sea-orm-cached-field "public"."lamppost" 5ee68920';
CREATE FUNCTION public.cf_lamppost_city__id__city_id_expand_c5318e15(p_limit bigint, p_links text[]) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET jit TO 'off'
    SET row_security TO 'off'
    AS $$
WITH named AS (
  SELECT u.link FROM unnest(p_links) AS u(link)
   UNION
  SELECT o.link FROM (
         SELECT m.link
           FROM "public"."_lamppost_cached_marks" m
          WHERE p_links IS NULL
            AND m.via = 'city__id__city_id'
          LIMIT p_limit
            FOR UPDATE SKIP LOCKED) o),
gone AS (
  DELETE FROM "public"."_lamppost_cached_marks"
   WHERE ctid = ANY (ARRAY(
         SELECT l.ctid
           FROM named n, LATERAL (
                SELECT m.ctid
                  FROM "public"."_lamppost_cached_marks" m
                 WHERE m.via = 'city__id__city_id'
                   AND m.link = n.link
                   FOR UPDATE SKIP LOCKED) l))
  RETURNING field, link, marked_at),
once AS (
  SELECT field, link, min(marked_at) AS marked_at
    FROM gone
   GROUP BY field, link),
expanded AS (
  INSERT INTO "public"."_lamppost_cached_marks" (field, key_1, marked_at)
  SELECT g.field, t."id", min(g.marked_at)
    FROM once g
  JOIN "public"."lamppost" t ON t."city_id" OPERATOR(pg_catalog.=) (g.link::text[])[1]::integer
   WHERE (SELECT EXISTS (SELECT FROM gone))
   GROUP BY g.field, t."id"
  RETURNING 1)
SELECT count(*) FROM expanded
$$;
COMMENT ON FUNCTION public.cf_lamppost_city__id__city_id_expand_c5318e15(p_limit bigint, p_links text[]) IS 'sea-orm-cached-field "public"."lamppost" 8e16e93e';
CREATE FUNCTION public.cf_lamppost_flag_066d2dcf(p_field text, p_key_1 integer[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO '$user', 'public'
    AS $$
#variable_conflict use_variable
DECLARE
  v_key_1 "public"."_lamppost_cached_marks".flush_key_1%TYPE;
  v_field_1 boolean := 'full_name' OPERATOR(pg_catalog.=) ANY (pg_catalog.string_to_array(p_field, ','));
  v_internal pg_catalog.text := pg_catalog.current_setting('cached_field.internal', true);
BEGIN
  PERFORM pg_catalog.set_config('cached_field.internal', 'on', true);
  IF pg_catalog.cardinality(p_key_1) OPERATOR(pg_catalog.=) 1 THEN
    PERFORM
       FROM "public"."lamppost" t
      WHERE t."id" OPERATOR(pg_catalog.=) p_key_1[1]
        AND (v_field_1 AND NOT t."full_name_recalculation_needed")
        FOR NO KEY UPDATE SKIP LOCKED;
    IF FOUND THEN
      UPDATE "public"."lamppost" t SET "full_name_recalculation_needed" = t."full_name_recalculation_needed" OR v_field_1 WHERE t."id" OPERATOR(pg_catalog.=) p_key_1[1];
    END IF;
  ELSE
    SELECT pg_catalog.array_agg(l.key_1) INTO v_key_1
      FROM (SELECT t."id" AS key_1
              FROM "public"."lamppost" t
             WHERE t."id" OPERATOR(pg_catalog.=) ANY (p_key_1)
               AND (v_field_1 AND NOT t."full_name_recalculation_needed")
               FOR NO KEY UPDATE SKIP LOCKED) l;
    IF v_key_1 IS NOT NULL THEN
      UPDATE "public"."lamppost" t SET "full_name_recalculation_needed" = t."full_name_recalculation_needed" OR v_field_1 WHERE t."id" OPERATOR(pg_catalog.=) ANY (v_key_1);
    END IF;
  END IF;
  PERFORM pg_catalog.set_config('cached_field.internal', coalesce(v_internal, ''), true);
END
$$;
COMMENT ON FUNCTION public.cf_lamppost_flag_066d2dcf(p_field text, p_key_1 integer[]) IS 'sea-orm-cached-field "public"."lamppost" 14d0b201';
CREATE FUNCTION public.cf_lamppost_flush_001beab5() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE v_key_1 integer[];
BEGIN
  IF NEW.flush_key_1 IS NOT NULL THEN
    PERFORM "public"."cf_lamppost_flag_066d2dcf"(NEW.field, NEW.flush_key_1);
  END IF;
  IF NEW.via = 'city__id__city_id' THEN
    SELECT array_agg(t."id") INTO v_key_1
      FROM (SELECT DISTINCT t."id"
              FROM unnest(NEW.flush_links) AS u(link)
  JOIN "public"."lamppost" t ON t."city_id" OPERATOR(pg_catalog.=) (u.link::text[])[1]::integer) t;
    IF v_key_1 IS NOT NULL THEN
      PERFORM "public"."cf_lamppost_flag_066d2dcf"(NEW.field, v_key_1);
    END IF;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.cf_lamppost_flush_001beab5() IS 'sea-orm-cached-field "public"."lamppost" 9823c35a';
CREATE FUNCTION public.cf_lamppost_pigeon__lamppost_id__id_ad_5842ba8c() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE v_key_1 integer[];
BEGIN
  SELECT array_agg(k.key_1) INTO v_key_1
    FROM (SELECT DISTINCT r."lamppost_id"::integer AS key_1
            FROM (SELECT r.* FROM cf_old r) r
           ORDER BY 1) k
   WHERE k.key_1 IS NOT NULL;
  IF v_key_1 IS NOT NULL THEN
    INSERT INTO "public"."_lamppost_cached_marks" (field, key_1, flush_key_1)
    SELECT 'full_name', u.key_1, CASE WHEN u.n = 1
             AND current_setting('transaction_isolation') = 'read committed' THEN v_key_1 END
      FROM unnest(v_key_1) WITH ORDINALITY AS u(key_1, n);
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_lamppost_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.cf_lamppost_pigeon__lamppost_id__id_ad_5842ba8c() IS 'sea-orm-cached-field "public"."lamppost" 1bcd47b3';
CREATE FUNCTION public.cf_lamppost_pigeon__lamppost_id__id_ai_5d42c26b() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE v_key_1 integer[];
BEGIN
  SELECT array_agg(k.key_1) INTO v_key_1
    FROM (SELECT DISTINCT r."lamppost_id"::integer AS key_1
            FROM (SELECT r.* FROM cf_new r) r
           ORDER BY 1) k
   WHERE k.key_1 IS NOT NULL;
  IF v_key_1 IS NOT NULL THEN
    INSERT INTO "public"."_lamppost_cached_marks" (field, key_1, flush_key_1)
    SELECT 'full_name', u.key_1, CASE WHEN u.n = 1
             AND current_setting('transaction_isolation') = 'read committed' THEN v_key_1 END
      FROM unnest(v_key_1) WITH ORDINALITY AS u(key_1, n);
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_lamppost_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.cf_lamppost_pigeon__lamppost_id__id_ai_5d42c26b() IS 'sea-orm-cached-field "public"."lamppost" 62095052';
CREATE FUNCTION public.cf_lamppost_pigeon__lamppost_id__id_at_6842d3bc() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE v_key_1 integer[];
BEGIN
  SELECT array_agg(t."id") INTO v_key_1
    FROM "public"."lamppost" t;
  IF v_key_1 IS NOT NULL THEN
    INSERT INTO "public"."_lamppost_cached_marks" (field, key_1, flush_key_1)
    SELECT 'full_name', u.key_1, CASE WHEN u.n = 1
             AND current_setting('transaction_isolation') = 'read committed' THEN v_key_1 END
      FROM unnest(v_key_1) WITH ORDINALITY AS u(key_1, n);
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_lamppost_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.cf_lamppost_pigeon__lamppost_id__id_at_6842d3bc() IS 'sea-orm-cached-field "public"."lamppost" a92aa7f0';
CREATE FUNCTION public.cf_lamppost_pigeon__lamppost_id__id_au_6942d54f() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE
  v_key_1 integer[]; v_one_key_1 integer[];
  v_changed_1 boolean; v_fields text; v_many boolean;
BEGIN
  SELECT EXISTS (SELECT FROM cf_new r OFFSET 1),
         array_cat(CASE WHEN n."lamppost_id"::integer IS NOT NULL THEN ARRAY[n."lamppost_id"::integer] END,
                   CASE WHEN o."lamppost_id"::integer IS NOT NULL AND ROW(o."lamppost_id"::integer)::record *<> ROW(n."lamppost_id"::integer)::record THEN ARRAY[o."lamppost_id"::integer] END),
         o."id" IS DISTINCT FROM n."id" OR o."lamppost_id" IS DISTINCT FROM n."lamppost_id" OR o."weight_in_g" IS DISTINCT FROM n."weight_in_g"
    INTO v_many, v_one_key_1, v_changed_1
    FROM cf_old o, cf_new n
   LIMIT 1;
  IF v_many THEN
  SELECT array_agg(k.key_1) INTO v_key_1
    FROM (SELECT DISTINCT r."lamppost_id"::integer AS key_1
            FROM (
                     SELECT u."id", u."lamppost_id"
                       FROM (SELECT x."id", x."lamppost_id", x."weight_in_g" AS cf_read_1 FROM cf_old x
                             UNION ALL
                             SELECT x."id", x."lamppost_id", x."weight_in_g" AS cf_read_1 FROM cf_new x) u
                      GROUP BY u."id", u."lamppost_id", u.cf_read_1
                     HAVING count(*) <> 2) r
           ORDER BY 1) k
   WHERE k.key_1 IS NOT NULL;
  IF v_key_1 IS NOT NULL THEN
    INSERT INTO "public"."_lamppost_cached_marks" (field, key_1, flush_key_1)
    SELECT 'full_name', u.key_1, CASE WHEN u.n = 1
             AND current_setting('transaction_isolation') = 'read committed' THEN v_key_1 END
      FROM unnest(v_key_1) WITH ORDINALITY AS u(key_1, n);
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_lamppost_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  END IF;
  ELSE
  v_fields := concat_ws(',', CASE WHEN v_changed_1 THEN 'full_name' END);
  v_key_1 := CASE WHEN v_fields <> '' THEN v_one_key_1 END;
  IF v_key_1 IS NOT NULL THEN
    INSERT INTO "public"."_lamppost_cached_marks" (field, key_1, flush_key_1)
    SELECT v_fields, u.key_1, CASE WHEN u.n = 1
             AND current_setting('transaction_isolation') = 'read committed' THEN v_key_1 END
      FROM unnest(v_key_1) WITH ORDINALITY AS u(key_1, n);
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_lamppost_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  END IF;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.cf_lamppost_pigeon__lamppost_id__id_au_6942d54f() IS 'sea-orm-cached-field "public"."lamppost" 1dfd231b';
CREATE FUNCTION public.cf_lamppost_plaque__lamppost_id__id_ad_ce3a9c4a() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE v_key_1 integer[];
BEGIN
  SELECT array_agg(k.key_1) INTO v_key_1
    FROM (SELECT DISTINCT r."lamppost_id"::integer AS key_1
            FROM (SELECT r.* FROM cf_old r) r
           ORDER BY 1) k
   WHERE k.key_1 IS NOT NULL;
  IF v_key_1 IS NOT NULL THEN
    INSERT INTO "public"."_lamppost_cached_marks" (field, key_1, flush_key_1)
    SELECT 'full_name', u.key_1, CASE WHEN u.n = 1
             AND current_setting('transaction_isolation') = 'read committed' THEN v_key_1 END
      FROM unnest(v_key_1) WITH ORDINALITY AS u(key_1, n);
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_lamppost_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.cf_lamppost_plaque__lamppost_id__id_ad_ce3a9c4a() IS 'sea-orm-cached-field "public"."lamppost" 56f576e1';
CREATE FUNCTION public.cf_lamppost_plaque__lamppost_id__id_ai_c33a8af9() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE v_key_1 integer[];
BEGIN
  SELECT array_agg(k.key_1) INTO v_key_1
    FROM (SELECT DISTINCT r."lamppost_id"::integer AS key_1
            FROM (SELECT r.* FROM cf_new r) r
           ORDER BY 1) k
   WHERE k.key_1 IS NOT NULL;
  IF v_key_1 IS NOT NULL THEN
    INSERT INTO "public"."_lamppost_cached_marks" (field, key_1, flush_key_1)
    SELECT 'full_name', u.key_1, CASE WHEN u.n = 1
             AND current_setting('transaction_isolation') = 'read committed' THEN v_key_1 END
      FROM unnest(v_key_1) WITH ORDINALITY AS u(key_1, n);
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_lamppost_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.cf_lamppost_plaque__lamppost_id__id_ai_c33a8af9() IS 'sea-orm-cached-field "public"."lamppost" b145a246';
CREATE FUNCTION public.cf_lamppost_plaque__lamppost_id__id_at_de3ab57a() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE v_key_1 integer[];
BEGIN
  SELECT array_agg(t."id") INTO v_key_1
    FROM "public"."lamppost" t;
  IF v_key_1 IS NOT NULL THEN
    INSERT INTO "public"."_lamppost_cached_marks" (field, key_1, flush_key_1)
    SELECT 'full_name', u.key_1, CASE WHEN u.n = 1
             AND current_setting('transaction_isolation') = 'read committed' THEN v_key_1 END
      FROM unnest(v_key_1) WITH ORDINALITY AS u(key_1, n);
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_lamppost_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.cf_lamppost_plaque__lamppost_id__id_at_de3ab57a() IS 'sea-orm-cached-field "public"."lamppost" b5b8af52';
CREATE FUNCTION public.cf_lamppost_plaque__lamppost_id__id_au_df3ab70d() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE
  v_key_1 integer[]; v_one_key_1 integer[];
  v_changed_1 boolean; v_fields text; v_many boolean;
BEGIN
  SELECT EXISTS (SELECT FROM cf_new r OFFSET 1),
         array_cat(CASE WHEN n."lamppost_id"::integer IS NOT NULL THEN ARRAY[n."lamppost_id"::integer] END,
                   CASE WHEN o."lamppost_id"::integer IS NOT NULL AND ROW(o."lamppost_id"::integer)::record *<> ROW(n."lamppost_id"::integer)::record THEN ARRAY[o."lamppost_id"::integer] END),
         o."id" IS DISTINCT FROM n."id" OR o."lamppost_id" IS DISTINCT FROM n."lamppost_id" OR o."text"::text COLLATE "C" IS DISTINCT FROM n."text"::text COLLATE "C"
    INTO v_many, v_one_key_1, v_changed_1
    FROM cf_old o, cf_new n
   LIMIT 1;
  IF v_many THEN
  SELECT array_agg(k.key_1) INTO v_key_1
    FROM (SELECT DISTINCT r."lamppost_id"::integer AS key_1
            FROM (
                     SELECT u."id", u."lamppost_id"
                       FROM (SELECT x."id", x."lamppost_id", x."text"::text COLLATE "C" AS cf_read_1 FROM cf_old x
                             UNION ALL
                             SELECT x."id", x."lamppost_id", x."text"::text COLLATE "C" AS cf_read_1 FROM cf_new x) u
                      GROUP BY u."id", u."lamppost_id", u.cf_read_1
                     HAVING count(*) <> 2) r
           ORDER BY 1) k
   WHERE k.key_1 IS NOT NULL;
  IF v_key_1 IS NOT NULL THEN
    INSERT INTO "public"."_lamppost_cached_marks" (field, key_1, flush_key_1)
    SELECT 'full_name', u.key_1, CASE WHEN u.n = 1
             AND current_setting('transaction_isolation') = 'read committed' THEN v_key_1 END
      FROM unnest(v_key_1) WITH ORDINALITY AS u(key_1, n);
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_lamppost_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  END IF;
  ELSE
  v_fields := concat_ws(',', CASE WHEN v_changed_1 THEN 'full_name' END);
  v_key_1 := CASE WHEN v_fields <> '' THEN v_one_key_1 END;
  IF v_key_1 IS NOT NULL THEN
    INSERT INTO "public"."_lamppost_cached_marks" (field, key_1, flush_key_1)
    SELECT v_fields, u.key_1, CASE WHEN u.n = 1
             AND current_setting('transaction_isolation') = 'read committed' THEN v_key_1 END
      FROM unnest(v_key_1) WITH ORDINALITY AS u(key_1, n);
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_lamppost_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  END IF;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.cf_lamppost_plaque__lamppost_id__id_au_df3ab70d() IS 'sea-orm-cached-field "public"."lamppost" 65a4d5c4';
CREATE FUNCTION public.cf_lamppost_reflag_dc10069a() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
BEGIN
    INSERT INTO "public"."_lamppost_cached_marks" (field, key_1)
    VALUES (TG_ARGV[0], NEW."id");
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_lamppost_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.cf_lamppost_reflag_dc10069a() IS 'sea-orm-cached-field "public"."lamppost" 6925d64f';
CREATE FUNCTION public.cf_lamppost_work_fd595328(p_fields text[], OUT work boolean, OUT wait bigint) RETURNS record
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET jit TO 'off'
    SET row_security TO 'off'
    AS $$
SELECT EXISTS (
       SELECT
         FROM (SELECT
                 FROM "public"."_lamppost_cached_marks"
                WHERE string_to_array(field, ',') && p_fields
                ORDER BY id
                LIMIT 1) m),
  CAST(ceil(extract(epoch FROM greatest(least((SELECT due_at
       FROM "public"."_lamppost_cached_recalculations"
      WHERE due_at IS NOT NULL
        AND leased_until <= now()
        AND field || '' = ANY (p_fields)
      ORDER BY due_at
      LIMIT 1),
    (SELECT min(leased_until)
       FROM (SELECT leased_until
               FROM "public"."_lamppost_cached_recalculations"
              WHERE due_at <= now()
              ORDER BY due_at
              LIMIT 1000) d
      WHERE leased_until > now()),
    (SELECT "full_name_expires_after"
       FROM "public"."lamppost"
      WHERE "full_name_expires_after" IS NOT NULL
        AND ("full_name_expires_after" > now() OR NOT "full_name_recalculation_needed")
      ORDER BY "full_name_expires_after"
      LIMIT 1),
    now() + interval '1 day'), now()) - now()) * 1000) AS bigint)
$$;
COMMENT ON FUNCTION public.cf_lamppost_work_fd595328(p_fields text[], OUT work boolean, OUT wait bigint) IS 'sea-orm-cached-field "public"."lamppost" 2dc251f4';
CREATE FUNCTION public.cf_measure_ai_665bc2b1() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE v_key_1 integer[];
BEGIN
  SELECT array_agg(n."id") INTO v_key_1
    FROM cf_new n;
  IF v_key_1 IS NOT NULL THEN
    INSERT INTO "public"."_measure_cached_marks" (field, key_1)
    SELECT 'length', u.key_1
      FROM unnest(v_key_1) AS u(key_1);
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_measure_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.cf_measure_ai_665bc2b1() IS 'sea-orm-cached-field "public"."measure" 44a4b4ee';
CREATE FUNCTION public.cf_measure_au_725bd595() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE
  v_key_1 integer[]; v_missed_key_1 integer[]; v_one_key_1 integer[];
  v_stale text; v_missed text; v_many boolean;
BEGIN
  SELECT EXISTS (SELECT FROM cf_new r OFFSET 1),
         ARRAY[n."id"],
         concat_ws(',', CASE WHEN o."id" IS DISTINCT FROM n."id" OR o."inches" IS DISTINCT FROM n."inches" OR (n."length_recalculation_needed" AND NOT o."length_recalculation_needed") THEN 'length' END),
         concat_ws(',', CASE WHEN (o."id" IS DISTINCT FROM n."id" OR o."inches" IS DISTINCT FROM n."inches") AND NOT n."length_recalculation_needed" THEN 'length' END)
    INTO v_many, v_one_key_1, v_stale, v_missed
    FROM cf_old o, cf_new n
   LIMIT 1;
  IF v_many THEN
    SELECT array_agg(e.key_1), array_agg(e.key_1) FILTER (WHERE NOT e.flag) INTO v_key_1, v_missed_key_1
      FROM (SELECT d.key_1, bool_or(d.flag) AS flag
              FROM (SELECT u.key_1,
                           bool_or(u.is_new) AS has_new,
                           bool_or(u.flag AND u.is_new) AS flag
                      FROM (
                            SELECT o."id" AS key_1, o."inches" AS c_1, o."length_recalculation_needed" AS flag, false AS is_new
                              FROM cf_old o
                             UNION ALL
                            SELECT n."id" AS key_1, n."inches" AS c_1, n."length_recalculation_needed" AS flag, true AS is_new
                              FROM cf_new n) u
                     GROUP BY u.key_1, u.c_1
                    HAVING count(*) <> 2
                        OR (bool_or(u.flag AND u.is_new)
                            AND bool_or(NOT u.flag AND NOT u.is_new))) d
             WHERE d.has_new
             GROUP BY d.key_1
             ORDER BY d.key_1) e;
  IF v_key_1 IS NOT NULL THEN
    INSERT INTO "public"."_measure_cached_marks" (field, key_1)
    SELECT 'length', u.key_1
      FROM unnest(v_key_1) AS u(key_1);
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_measure_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  END IF;
  IF v_missed_key_1 IS NOT NULL THEN -- another BEFORE trigger changed an input after ours
    PERFORM "public"."cf_measure_flag_2de2de29"('length', v_missed_key_1);
  END IF;
  ELSE
    v_key_1 := CASE WHEN v_stale <> '' THEN v_one_key_1 END;
    v_missed_key_1 := CASE WHEN v_missed <> '' THEN v_one_key_1 END;
  IF v_key_1 IS NOT NULL THEN
    INSERT INTO "public"."_measure_cached_marks" (field, key_1)
    SELECT v_stale, u.key_1
      FROM unnest(v_key_1) AS u(key_1);
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_measure_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  END IF;
  IF v_missed_key_1 IS NOT NULL THEN -- another BEFORE trigger changed an input after ours
    PERFORM "public"."cf_measure_flag_2de2de29"(v_missed, v_missed_key_1);
  END IF;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.cf_measure_au_725bd595() IS 'sea-orm-cached-field "public"."measure" 6b51b4c6';
CREATE FUNCTION public.cf_measure_aur_ed91baa5() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE v_stale text := concat_ws(',', CASE WHEN OLD."id" IS DISTINCT FROM NEW."id" OR OLD."inches" IS DISTINCT FROM NEW."inches" OR (TG_NARGS = 1 AND NEW."length_recalculation_needed" AND NOT OLD."length_recalculation_needed") THEN 'length' END); v_missed text;
BEGIN
  IF v_stale <> '' THEN
    INSERT INTO "public"."_measure_cached_marks" (field, key_1)
    VALUES (v_stale, NEW."id");
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_measure_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
    v_missed := concat_ws(',', CASE WHEN 'length' = ANY (string_to_array(v_stale, ',')) AND NOT NEW."length_recalculation_needed" THEN 'length' END);
    IF v_missed <> '' THEN -- another BEFORE trigger changed an input after ours
      PERFORM "public"."cf_measure_flag_2de2de29"(v_missed, ARRAY[NEW."id"]);
    END IF;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.cf_measure_aur_ed91baa5() IS 'sea-orm-cached-field "public"."measure" a6beb373';
CREATE FUNCTION public.cf_measure_bi_6e5990b2() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
BEGIN
  NEW."length_recalculation_needed" := true;
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION public.cf_measure_bi_6e5990b2() IS 'sea-orm-cached-field "public"."measure" 67927b65';
CREATE FUNCTION public.cf_measure_bu_8259b02e() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
BEGIN
  IF OLD."id" IS DISTINCT FROM NEW."id" OR OLD."inches" IS DISTINCT FROM NEW."inches" OR (TG_NARGS = 1 AND NOT NEW."length_recalculation_needed" AND (OLD."length_recalculation_needed" OR OLD."cached_length"::text COLLATE "C" IS DISTINCT FROM NEW."cached_length"::text COLLATE "C")) THEN
    NEW."length_recalculation_needed" := true;
  END IF;
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION public.cf_measure_bu_8259b02e() IS 'sea-orm-cached-field "public"."measure" 277eb816';
CREATE FUNCTION public.cf_measure_flag_2de2de29(p_field text, p_key_1 integer[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO '$user', 'public'
    AS $$
#variable_conflict use_variable
DECLARE
  v_key_1 "public"."_measure_cached_marks".flush_key_1%TYPE;
  v_field_1 boolean := 'length' OPERATOR(pg_catalog.=) ANY (pg_catalog.string_to_array(p_field, ','));
  v_internal pg_catalog.text := pg_catalog.current_setting('cached_field.internal', true);
BEGIN
  PERFORM pg_catalog.set_config('cached_field.internal', 'on', true);
  IF pg_catalog.cardinality(p_key_1) OPERATOR(pg_catalog.=) 1 THEN
    PERFORM
       FROM "public"."measure" t
      WHERE t."id" OPERATOR(pg_catalog.=) p_key_1[1]
        AND (v_field_1 AND NOT t."length_recalculation_needed")
        FOR NO KEY UPDATE SKIP LOCKED;
    IF FOUND THEN
      UPDATE "public"."measure" t SET "length_recalculation_needed" = t."length_recalculation_needed" OR v_field_1 WHERE t."id" OPERATOR(pg_catalog.=) p_key_1[1];
    END IF;
  ELSE
    SELECT pg_catalog.array_agg(l.key_1) INTO v_key_1
      FROM (SELECT t."id" AS key_1
              FROM "public"."measure" t
             WHERE t."id" OPERATOR(pg_catalog.=) ANY (p_key_1)
               AND (v_field_1 AND NOT t."length_recalculation_needed")
               FOR NO KEY UPDATE SKIP LOCKED) l;
    IF v_key_1 IS NOT NULL THEN
      UPDATE "public"."measure" t SET "length_recalculation_needed" = t."length_recalculation_needed" OR v_field_1 WHERE t."id" OPERATOR(pg_catalog.=) ANY (v_key_1);
    END IF;
  END IF;
  PERFORM pg_catalog.set_config('cached_field.internal', coalesce(v_internal, ''), true);
END
$$;
COMMENT ON FUNCTION public.cf_measure_flag_2de2de29(p_field text, p_key_1 integer[]) IS 'sea-orm-cached-field "public"."measure" 866a4ae6';
CREATE FUNCTION public.cf_measure_flush_1b009f7b() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE v_key_1 integer[];
BEGIN
  IF NEW.flush_key_1 IS NOT NULL THEN
    PERFORM "public"."cf_measure_flag_2de2de29"(NEW.field, NEW.flush_key_1);
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.cf_measure_flush_1b009f7b() IS 'sea-orm-cached-field "public"."measure" 25fe9c2c';
CREATE FUNCTION public.cf_measure_reflag_c7f79a60() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
BEGIN
    INSERT INTO "public"."_measure_cached_marks" (field, key_1)
    VALUES (TG_ARGV[0], NEW."id");
    IF NOT pg_try_advisory_xact_lock_shared(26635458729476096 + '"public"."_measure_cached_marks"'::regclass::oid::bigint) THEN
      PERFORM pg_notify('cached_fields', '');
    END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION public.cf_measure_reflag_c7f79a60() IS 'sea-orm-cached-field "public"."measure" cce022da';
CREATE FUNCTION public.cf_measure_work_95a22ea2(p_fields text[], OUT work boolean, OUT wait bigint) RETURNS record
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET jit TO 'off'
    SET row_security TO 'off'
    AS $$
SELECT EXISTS (
       SELECT
         FROM (SELECT
                 FROM "public"."_measure_cached_marks"
                WHERE string_to_array(field, ',') && p_fields
                ORDER BY id
                LIMIT 1) m),
  CAST(ceil(extract(epoch FROM greatest(least((SELECT due_at
       FROM "public"."_measure_cached_recalculations"
      WHERE due_at IS NOT NULL
        AND leased_until <= now()
        AND field || '' = ANY (p_fields)
      ORDER BY due_at
      LIMIT 1),
    (SELECT min(leased_until)
       FROM (SELECT leased_until
               FROM "public"."_measure_cached_recalculations"
              WHERE due_at <= now()
              ORDER BY due_at
              LIMIT 1000) d
      WHERE leased_until > now()),
    now() + interval '1 day'), now()) - now()) * 1000) AS bigint)
$$;
COMMENT ON FUNCTION public.cf_measure_work_95a22ea2(p_fields text[], OUT work boolean, OUT wait bigint) IS 'sea-orm-cached-field "public"."measure" 52a9e17a';
CREATE TABLE public._lamppost_cached_marks (
    id bigint NOT NULL,
    field text NOT NULL,
    key_1 integer,
    eager boolean,
    marked_at timestamp with time zone DEFAULT now() NOT NULL,
    via text,
    link text,
    flush_key_1 integer[],
    flush_links text[],
    after_key_1 integer,
    to_key_1 integer
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_cost_delay='0');
COMMENT ON TABLE public._lamppost_cached_marks IS 'sea-orm-cached-field "public"."lamppost" 3.b436b5ad';
ALTER TABLE public._lamppost_cached_marks ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public._lamppost_cached_marks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public._lamppost_cached_recalculations (
    key_1 integer NOT NULL,
    field text NOT NULL,
    generation bigint NOT NULL,
    due_at timestamp with time zone DEFAULT now(),
    leased_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    waves integer DEFAULT 0 NOT NULL,
    last_error text,
    queued_at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_cost_delay='0');
COMMENT ON TABLE public._lamppost_cached_recalculations IS 'sea-orm-cached-field "public"."lamppost" 3.d18eff7d';
CREATE TABLE public._lamppost_cached_versions (
    field text NOT NULL,
    version bigint NOT NULL,
    inputs text,
    kept_by text,
    renewal bigint,
    declared_by text
);
COMMENT ON TABLE public._lamppost_cached_versions IS 'sea-orm-cached-field "public"."lamppost" 3.a2dad8a4';
CREATE TABLE public._measure_cached_marks (
    id bigint NOT NULL,
    field text NOT NULL,
    key_1 integer,
    eager boolean,
    marked_at timestamp with time zone DEFAULT now() NOT NULL,
    via text,
    link text,
    flush_key_1 integer[],
    flush_links text[],
    after_key_1 integer,
    to_key_1 integer
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_cost_delay='0');
COMMENT ON TABLE public._measure_cached_marks IS 'sea-orm-cached-field "public"."measure" 3.c4fadca9';
ALTER TABLE public._measure_cached_marks ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public._measure_cached_marks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public._measure_cached_recalculations (
    key_1 integer NOT NULL,
    field text NOT NULL,
    generation bigint NOT NULL,
    due_at timestamp with time zone DEFAULT now(),
    leased_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    waves integer DEFAULT 0 NOT NULL,
    last_error text,
    queued_at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_cost_delay='0');
COMMENT ON TABLE public._measure_cached_recalculations IS 'sea-orm-cached-field "public"."measure" 3.537ced21';
CREATE TABLE public._measure_cached_versions (
    field text NOT NULL,
    version bigint NOT NULL,
    inputs text,
    kept_by text,
    renewal bigint,
    declared_by text
);
COMMENT ON TABLE public._measure_cached_versions IS 'sea-orm-cached-field "public"."measure" 3.f6a0d2a2';
CREATE TABLE public.city (
    id integer NOT NULL,
    name character varying NOT NULL,
    mayor character varying
);
ALTER TABLE public.city ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.city_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.lamppost (
    id integer NOT NULL,
    first_name character varying NOT NULL,
    note character varying,
    city_id integer,
    cached_full_name character varying,
    full_name_recalculation_needed boolean DEFAULT true NOT NULL,
    full_name_expires_after timestamp with time zone
);
ALTER TABLE public.lamppost ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.lamppost_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.measure (
    id integer NOT NULL,
    inches integer NOT NULL,
    cached_length character varying,
    length_recalculation_needed boolean DEFAULT true NOT NULL
);
ALTER TABLE public.measure ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.measure_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.pigeon (
    id integer NOT NULL,
    weight_in_g integer NOT NULL,
    colour character varying,
    ring character varying,
    lamppost_id integer
);
ALTER TABLE public.pigeon ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.pigeon_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.plaque (
    id integer NOT NULL,
    text character varying NOT NULL,
    lamppost_id integer NOT NULL
);
ALTER TABLE public.plaque ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.plaque_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
COPY public._lamppost_cached_marks (id, field, key_1, eager, marked_at, via, link, flush_key_1, flush_links, after_key_1, to_key_1) FROM stdin;
1796083234825347	full_name	2	\N	2026-12-01 00:00:35.244702+00	\N	\N	\N	\N	\N	\N
1796083234825348	full_name	1	\N	2026-12-01 00:00:35.256924+00	\N	\N	{1}	\N	\N	\N
1796083234825349	full_name	\N	\N	2026-12-01 00:00:35.260634+00	city__id__city_id	{1}	\N	{"{1}"}	\N	\N
\.
COPY public._lamppost_cached_recalculations (key_1, field, generation, due_at, leased_until, attempts, waves, last_error, queued_at) FROM stdin;
3	full_name	1000	\N	-infinity	9	0	broken	2026-12-01 00:00:35.242304+00
4	full_name	1001	2026-12-01 00:00:35.243437+00	-infinity	1	0	\N	2026-12-01 00:00:35.243437+00
\.
COPY public._lamppost_cached_versions (field, version, inputs, kept_by, renewal, declared_by) FROM stdin;
full_name	0	"cached_full_name"\n"city"("id" = "city_id")\n"city"("id" = "city_id") "name"\n"city_id"\n"first_name"\n"pigeon"("lamppost_id" = "id")\n"pigeon"("lamppost_id" = "id") "weight_in_g"\n"plaque"("lamppost_id" = "id")\n"plaque"("lamppost_id" = "id") "text"	function "cf_lamppost_ai_236b7217"\nfunction "cf_lamppost_au_276b7863"\nfunction "cf_lamppost_aur_1f2e02c3"\nfunction "cf_lamppost_bi_4372603c"\nfunction "cf_lamppost_bu_37724d58"\nfunction "cf_lamppost_city__id__city_id_ad_d4602adc"\nfunction "cf_lamppost_city__id__city_id_ai_d96032bb"\nfunction "cf_lamppost_city__id__city_id_at_c46011ac"\nfunction "cf_lamppost_city__id__city_id_au_c560133f"\nfunction "cf_lamppost_city__id__city_id_expand_c5318e15"\nfunction "cf_lamppost_flag_066d2dcf"\nfunction "cf_lamppost_flush_001beab5"\nfunction "cf_lamppost_pigeon__lamppost_id__id_ad_5842ba8c"\nfunction "cf_lamppost_pigeon__lamppost_id__id_ai_5d42c26b"\nfunction "cf_lamppost_pigeon__lamppost_id__id_at_6842d3bc"\nfunction "cf_lamppost_pigeon__lamppost_id__id_au_6942d54f"\nfunction "cf_lamppost_plaque__lamppost_id__id_ad_ce3a9c4a"\nfunction "cf_lamppost_plaque__lamppost_id__id_ai_c33a8af9"\nfunction "cf_lamppost_plaque__lamppost_id__id_at_de3ab57a"\nfunction "cf_lamppost_plaque__lamppost_id__id_au_df3ab70d"\nfunction "cf_lamppost_reflag_dc10069a"\nfunction "cf_lamppost_work_fd595328"\ntable "_lamppost_cached_marks"\ntable "_lamppost_cached_recalculations"\ntable "_lamppost_cached_versions"\ntrigger "zz_cached_field_ai"\ntrigger "zz_cached_field_au"\ntrigger "zz_cached_field_aur"\ntrigger "zz_cached_field_bi"\ntrigger "zz_cached_field_bu"\ntrigger "zz_cached_field_bui"\ntrigger "zz_cached_field_flush"\ntrigger "zz_cached_field_lamppost_city__id__city_id_ad_65ea5059"\ntrigger "zz_cached_field_lamppost_city__id__city_id_ai_70ea61aa"\ntrigger "zz_cached_field_lamppost_city__id__city_id_at_75ea6989"\ntrigger "zz_cached_field_lamppost_city__id__city_id_au_74ea67f6"\ntrigger "zz_cached_field_lamppost_pigeon__lamppost_id__id_ad_125c3f3d"\ntrigger "zz_cached_field_lamppost_pigeon__lamppost_id__id_ai_055c2ac6"\ntrigger "zz_cached_field_lamppost_pigeon__lamppost_id__id_at_225c586d"\ntrigger "zz_cached_field_lamppost_pigeon__lamppost_id__id_au_215c56da"\ntrigger "zz_cached_field_lamppost_plaque__lamppost_id__id_ad_93f139ff"\ntrigger "zz_cached_field_lamppost_plaque__lamppost_id__id_ai_96f13eb8"\ntrigger "zz_cached_field_lamppost_plaque__lamppost_id__id_at_a3f1532f"\ntrigger "zz_cached_field_lamppost_plaque__lamppost_id__id_au_a2f1519c"\ntrigger "zz_cached_field_reflag_full_name"	\N	schema
\.
COPY public._measure_cached_marks (id, field, key_1, eager, marked_at, via, link, flush_key_1, flush_links, after_key_1, to_key_1) FROM stdin;
\.
COPY public._measure_cached_recalculations (key_1, field, generation, due_at, leased_until, attempts, waves, last_error, queued_at) FROM stdin;
\.
COPY public._measure_cached_versions (field, version, inputs, kept_by, renewal, declared_by) FROM stdin;
length	1	"cached_length"\n"inches"	function "cf_measure_ai_665bc2b1"\nfunction "cf_measure_au_725bd595"\nfunction "cf_measure_aur_ed91baa5"\nfunction "cf_measure_bi_6e5990b2"\nfunction "cf_measure_bu_8259b02e"\nfunction "cf_measure_flag_2de2de29"\nfunction "cf_measure_flush_1b009f7b"\nfunction "cf_measure_reflag_c7f79a60"\nfunction "cf_measure_work_95a22ea2"\ntable "_measure_cached_marks"\ntable "_measure_cached_recalculations"\ntable "_measure_cached_versions"\ntrigger "zz_cached_field_ai"\ntrigger "zz_cached_field_au"\ntrigger "zz_cached_field_aur"\ntrigger "zz_cached_field_bi"\ntrigger "zz_cached_field_bu"\ntrigger "zz_cached_field_bui"\ntrigger "zz_cached_field_flush"\ntrigger "zz_cached_field_reflag_length"	\N	schema
\.
COPY public.city (id, name, mayor) FROM stdin;
1	Roma	\N
\.
COPY public.lamppost (id, first_name, note, city_id, cached_full_name, full_name_recalculation_needed, full_name_expires_after) FROM stdin;
3	Cyd	\N	\N	Cyd of nowhere, 1 pigeons of 300, -	t	\N
4	Dan	\N	\N	Dan of nowhere, 1 pigeons of 300, -	t	\N
2	Bea	\N	\N	Bob of nowhere, 1 pigeons of 300, -	t	\N
1	Ada	\N	\N	Ada of nowhere, 1 pigeons of 300, -	t	\N
5	Eve	\N	1	Eve of Rome, 1 pigeons of 300, -	t	\N
\.
COPY public.measure (id, inches, cached_length, length_recalculation_needed) FROM stdin;
1	1	1 inches	f
\.
COPY public.pigeon (id, weight_in_g, colour, ring, lamppost_id) FROM stdin;
2	300	\N	\N	2
5	300	\N	\N	5
3	400	\N	\N	3
4	400	\N	\N	4
1	500	\N	\N	1
\.
COPY public.plaque (id, text, lamppost_id) FROM stdin;
\.
SELECT pg_catalog.setval('public._lamppost_cached_marks_id_seq', 1796083234825349, true);
SELECT pg_catalog.setval('public._measure_cached_marks_id_seq', 1796083235021360, true);
SELECT pg_catalog.setval('public.city_id_seq', 1, false);
SELECT pg_catalog.setval('public.lamppost_id_seq', 5, true);
SELECT pg_catalog.setval('public.measure_id_seq', 1, true);
SELECT pg_catalog.setval('public.pigeon_id_seq', 5, true);
SELECT pg_catalog.setval('public.plaque_id_seq', 1, false);
ALTER TABLE ONLY public._lamppost_cached_marks
    ADD CONSTRAINT _lamppost_cached_marks_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public._lamppost_cached_recalculations
    ADD CONSTRAINT _lamppost_cached_recalculations_pkey PRIMARY KEY (key_1, field);
ALTER TABLE ONLY public._lamppost_cached_versions
    ADD CONSTRAINT _lamppost_cached_versions_pkey PRIMARY KEY (field);
ALTER TABLE ONLY public._measure_cached_marks
    ADD CONSTRAINT _measure_cached_marks_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public._measure_cached_recalculations
    ADD CONSTRAINT _measure_cached_recalculations_pkey PRIMARY KEY (key_1, field);
ALTER TABLE ONLY public._measure_cached_versions
    ADD CONSTRAINT _measure_cached_versions_pkey PRIMARY KEY (field);
ALTER TABLE ONLY public.city
    ADD CONSTRAINT city_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.lamppost
    ADD CONSTRAINT lamppost_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.measure
    ADD CONSTRAINT measure_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.pigeon
    ADD CONSTRAINT pigeon_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.pigeon
    ADD CONSTRAINT pigeon_ring_key UNIQUE (ring);
ALTER TABLE ONLY public.plaque
    ADD CONSTRAINT plaque_lamppost_id_key UNIQUE (lamppost_id);
ALTER TABLE ONLY public.plaque
    ADD CONSTRAINT plaque_pkey PRIMARY KEY (id);
CREATE INDEX _lamppost_cached_marks_key ON public._lamppost_cached_marks USING btree (key_1);
CREATE INDEX _lamppost_cached_marks_via ON public._lamppost_cached_marks USING btree (via, link, id) WHERE (via IS NOT NULL);
CREATE INDEX _lamppost_cached_recalculations_due ON public._lamppost_cached_recalculations USING btree (due_at);
CREATE INDEX _measure_cached_marks_key ON public._measure_cached_marks USING btree (key_1);
CREATE INDEX _measure_cached_marks_via ON public._measure_cached_marks USING btree (via, link, id) WHERE (via IS NOT NULL);
CREATE INDEX _measure_cached_recalculations_due ON public._measure_cached_recalculations USING btree (due_at);
CREATE INDEX lamppost_cached_full_name_expires_after ON public.lamppost USING btree (full_name_expires_after) WHERE (full_name_expires_after IS NOT NULL);
COMMENT ON INDEX public.lamppost_cached_full_name_expires_after IS 'sea-orm-cached-field "public"."lamppost" 6a5d8dc6';
CREATE TRIGGER zz_cached_field_ai AFTER INSERT ON public.lamppost REFERENCING NEW TABLE AS cf_new FOR EACH STATEMENT EXECUTE FUNCTION public.cf_lamppost_ai_236b7217();
COMMENT ON TRIGGER zz_cached_field_ai ON public.lamppost IS 'sea-orm-cached-field "public"."lamppost" d26652b6';
CREATE TRIGGER zz_cached_field_ai AFTER INSERT ON public.measure REFERENCING NEW TABLE AS cf_new FOR EACH STATEMENT EXECUTE FUNCTION public.cf_measure_ai_665bc2b1();
COMMENT ON TRIGGER zz_cached_field_ai ON public.measure IS 'sea-orm-cached-field "public"."measure" df3a260f';
CREATE TRIGGER zz_cached_field_au AFTER UPDATE ON public.lamppost REFERENCING OLD TABLE AS cf_old NEW TABLE AS cf_new FOR EACH STATEMENT WHEN (((current_setting('cached_field.internal'::text, true) IS DISTINCT FROM 'on'::text) OR (NOT has_table_privilege(('public._lamppost_cached_recalculations'::regclass)::oid, 'DELETE'::text)))) EXECUTE FUNCTION public.cf_lamppost_au_276b7863();
COMMENT ON TRIGGER zz_cached_field_au ON public.lamppost IS 'sea-orm-cached-field "public"."lamppost" d7f08d9d';
CREATE TRIGGER zz_cached_field_au AFTER UPDATE ON public.measure REFERENCING OLD TABLE AS cf_old NEW TABLE AS cf_new FOR EACH STATEMENT WHEN (((current_setting('cached_field.internal'::text, true) IS DISTINCT FROM 'on'::text) OR (NOT has_table_privilege(('public._measure_cached_recalculations'::regclass)::oid, 'DELETE'::text)))) EXECUTE FUNCTION public.cf_measure_au_725bd595();
COMMENT ON TRIGGER zz_cached_field_au ON public.measure IS 'sea-orm-cached-field "public"."measure" 5e45e045';
CREATE TRIGGER zz_cached_field_aur AFTER UPDATE ON public.lamppost FOR EACH ROW WHEN (((NOT ((current_setting('cached_field.internal'::text, true) IS DISTINCT FROM 'on'::text) OR (NOT has_table_privilege(('public._lamppost_cached_recalculations'::regclass)::oid, 'DELETE'::text)))) AND record_image_ne(ROW(old.id, old.first_name, old.city_id), ROW(new.id, new.first_name, new.city_id)))) EXECUTE FUNCTION public.cf_lamppost_aur_1f2e02c3();
COMMENT ON TRIGGER zz_cached_field_aur ON public.lamppost IS 'sea-orm-cached-field "public"."lamppost" c94bff58';
CREATE TRIGGER zz_cached_field_aur AFTER UPDATE ON public.measure FOR EACH ROW WHEN (((NOT ((current_setting('cached_field.internal'::text, true) IS DISTINCT FROM 'on'::text) OR (NOT has_table_privilege(('public._measure_cached_recalculations'::regclass)::oid, 'DELETE'::text)))) AND record_image_ne(ROW(old.id, old.inches), ROW(new.id, new.inches)))) EXECUTE FUNCTION public.cf_measure_aur_ed91baa5();
COMMENT ON TRIGGER zz_cached_field_aur ON public.measure IS 'sea-orm-cached-field "public"."measure" 546bd62d';
CREATE TRIGGER zz_cached_field_bi BEFORE INSERT ON public.lamppost FOR EACH ROW WHEN ((new.full_name_recalculation_needed IS NOT TRUE)) EXECUTE FUNCTION public.cf_lamppost_bi_4372603c();
COMMENT ON TRIGGER zz_cached_field_bi ON public.lamppost IS 'sea-orm-cached-field "public"."lamppost" 788c4fe5';
CREATE TRIGGER zz_cached_field_bi BEFORE INSERT ON public.measure FOR EACH ROW WHEN ((new.length_recalculation_needed IS NOT TRUE)) EXECUTE FUNCTION public.cf_measure_bi_6e5990b2();
COMMENT ON TRIGGER zz_cached_field_bi ON public.measure IS 'sea-orm-cached-field "public"."measure" 30fd8d06';
CREATE TRIGGER zz_cached_field_bu BEFORE UPDATE ON public.lamppost FOR EACH ROW WHEN ((((current_setting('cached_field.internal'::text, true) IS DISTINCT FROM 'on'::text) OR (NOT has_table_privilege(('public._lamppost_cached_recalculations'::regclass)::oid, 'DELETE'::text))) AND (record_image_ne(ROW(old.id, old.first_name, old.city_id), ROW(new.id, new.first_name, new.city_id)) OR ((NOT new.full_name_recalculation_needed) AND (old.full_name_recalculation_needed OR record_image_ne(ROW(old.cached_full_name), ROW(new.cached_full_name))))))) EXECUTE FUNCTION public.cf_lamppost_bu_37724d58('foreign');
COMMENT ON TRIGGER zz_cached_field_bu ON public.lamppost IS 'sea-orm-cached-field "public"."lamppost" 3eb1a7c6';
CREATE TRIGGER zz_cached_field_bu BEFORE UPDATE ON public.measure FOR EACH ROW WHEN ((((current_setting('cached_field.internal'::text, true) IS DISTINCT FROM 'on'::text) OR (NOT has_table_privilege(('public._measure_cached_recalculations'::regclass)::oid, 'DELETE'::text))) AND (record_image_ne(ROW(old.id, old.inches), ROW(new.id, new.inches)) OR ((NOT new.length_recalculation_needed) AND (old.length_recalculation_needed OR record_image_ne(ROW(old.cached_length), ROW(new.cached_length))))))) EXECUTE FUNCTION public.cf_measure_bu_8259b02e('foreign');
COMMENT ON TRIGGER zz_cached_field_bu ON public.measure IS 'sea-orm-cached-field "public"."measure" fe0183c4';
CREATE TRIGGER zz_cached_field_bui BEFORE UPDATE ON public.lamppost FOR EACH ROW WHEN (((NOT ((current_setting('cached_field.internal'::text, true) IS DISTINCT FROM 'on'::text) OR (NOT has_table_privilege(('public._lamppost_cached_recalculations'::regclass)::oid, 'DELETE'::text)))) AND record_image_ne(ROW(old.id, old.first_name, old.city_id), ROW(new.id, new.first_name, new.city_id)))) EXECUTE FUNCTION public.cf_lamppost_bu_37724d58();
COMMENT ON TRIGGER zz_cached_field_bui ON public.lamppost IS 'sea-orm-cached-field "public"."lamppost" 293a382a';
CREATE TRIGGER zz_cached_field_bui BEFORE UPDATE ON public.measure FOR EACH ROW WHEN (((NOT ((current_setting('cached_field.internal'::text, true) IS DISTINCT FROM 'on'::text) OR (NOT has_table_privilege(('public._measure_cached_recalculations'::regclass)::oid, 'DELETE'::text)))) AND record_image_ne(ROW(old.id, old.inches), ROW(new.id, new.inches)))) EXECUTE FUNCTION public.cf_measure_bu_8259b02e();
COMMENT ON TRIGGER zz_cached_field_bui ON public.measure IS 'sea-orm-cached-field "public"."measure" 05d33fb2';
CREATE CONSTRAINT TRIGGER zz_cached_field_flush AFTER INSERT ON public._lamppost_cached_marks DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (((new.flush_key_1 IS NOT NULL) OR (new.flush_links IS NOT NULL))) EXECUTE FUNCTION public.cf_lamppost_flush_001beab5();
COMMENT ON TRIGGER zz_cached_field_flush ON public._lamppost_cached_marks IS 'sea-orm-cached-field "public"."lamppost" ef42eb62';
CREATE CONSTRAINT TRIGGER zz_cached_field_flush AFTER INSERT ON public._measure_cached_marks DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (((new.flush_key_1 IS NOT NULL) OR (new.flush_links IS NOT NULL))) EXECUTE FUNCTION public.cf_measure_flush_1b009f7b();
COMMENT ON TRIGGER zz_cached_field_flush ON public._measure_cached_marks IS 'sea-orm-cached-field "public"."measure" f2a01e7f';
CREATE TRIGGER zz_cached_field_lamppost_city__id__city_id_ad_65ea5059 AFTER DELETE ON public.city REFERENCING OLD TABLE AS cf_old FOR EACH STATEMENT EXECUTE FUNCTION public.cf_lamppost_city__id__city_id_ad_d4602adc();
COMMENT ON TRIGGER zz_cached_field_lamppost_city__id__city_id_ad_65ea5059 ON public.city IS 'sea-orm-cached-field "public"."lamppost" 8f316c63';
CREATE TRIGGER zz_cached_field_lamppost_city__id__city_id_ai_70ea61aa AFTER INSERT ON public.city REFERENCING NEW TABLE AS cf_new FOR EACH STATEMENT EXECUTE FUNCTION public.cf_lamppost_city__id__city_id_ai_d96032bb();
COMMENT ON TRIGGER zz_cached_field_lamppost_city__id__city_id_ai_70ea61aa ON public.city IS 'sea-orm-cached-field "public"."lamppost" a259fe20';
CREATE TRIGGER zz_cached_field_lamppost_city__id__city_id_at_75ea6989 AFTER TRUNCATE ON public.city FOR EACH STATEMENT EXECUTE FUNCTION public.cf_lamppost_city__id__city_id_at_c46011ac();
COMMENT ON TRIGGER zz_cached_field_lamppost_city__id__city_id_at_75ea6989 ON public.city IS 'sea-orm-cached-field "public"."lamppost" 871511ed';
CREATE TRIGGER zz_cached_field_lamppost_city__id__city_id_au_74ea67f6 AFTER UPDATE ON public.city REFERENCING OLD TABLE AS cf_old NEW TABLE AS cf_new FOR EACH STATEMENT EXECUTE FUNCTION public.cf_lamppost_city__id__city_id_au_c560133f();
COMMENT ON TRIGGER zz_cached_field_lamppost_city__id__city_id_au_74ea67f6 ON public.city IS 'sea-orm-cached-field "public"."lamppost" 328f89df';
CREATE TRIGGER zz_cached_field_lamppost_pigeon__lamppost_id__id_ad_125c3f3d AFTER DELETE ON public.pigeon REFERENCING OLD TABLE AS cf_old FOR EACH STATEMENT EXECUTE FUNCTION public.cf_lamppost_pigeon__lamppost_id__id_ad_5842ba8c();
COMMENT ON TRIGGER zz_cached_field_lamppost_pigeon__lamppost_id__id_ad_125c3f3d ON public.pigeon IS 'sea-orm-cached-field "public"."lamppost" b1db2296';
CREATE TRIGGER zz_cached_field_lamppost_pigeon__lamppost_id__id_ai_055c2ac6 AFTER INSERT ON public.pigeon REFERENCING NEW TABLE AS cf_new FOR EACH STATEMENT EXECUTE FUNCTION public.cf_lamppost_pigeon__lamppost_id__id_ai_5d42c26b();
COMMENT ON TRIGGER zz_cached_field_lamppost_pigeon__lamppost_id__id_ai_055c2ac6 ON public.pigeon IS 'sea-orm-cached-field "public"."lamppost" ff4bbb84';
CREATE TRIGGER zz_cached_field_lamppost_pigeon__lamppost_id__id_at_225c586d AFTER TRUNCATE ON public.pigeon FOR EACH STATEMENT EXECUTE FUNCTION public.cf_lamppost_pigeon__lamppost_id__id_at_6842d3bc();
COMMENT ON TRIGGER zz_cached_field_lamppost_pigeon__lamppost_id__id_at_225c586d ON public.pigeon IS 'sea-orm-cached-field "public"."lamppost" cf875428';
CREATE TRIGGER zz_cached_field_lamppost_pigeon__lamppost_id__id_au_215c56da AFTER UPDATE ON public.pigeon REFERENCING OLD TABLE AS cf_old NEW TABLE AS cf_new FOR EACH STATEMENT EXECUTE FUNCTION public.cf_lamppost_pigeon__lamppost_id__id_au_6942d54f();
COMMENT ON TRIGGER zz_cached_field_lamppost_pigeon__lamppost_id__id_au_215c56da ON public.pigeon IS 'sea-orm-cached-field "public"."lamppost" 586ee2da';
CREATE TRIGGER zz_cached_field_lamppost_plaque__lamppost_id__id_ad_93f139ff AFTER DELETE ON public.plaque REFERENCING OLD TABLE AS cf_old FOR EACH STATEMENT EXECUTE FUNCTION public.cf_lamppost_plaque__lamppost_id__id_ad_ce3a9c4a();
COMMENT ON TRIGGER zz_cached_field_lamppost_plaque__lamppost_id__id_ad_93f139ff ON public.plaque IS 'sea-orm-cached-field "public"."lamppost" b9c87744';
CREATE TRIGGER zz_cached_field_lamppost_plaque__lamppost_id__id_ai_96f13eb8 AFTER INSERT ON public.plaque REFERENCING NEW TABLE AS cf_new FOR EACH STATEMENT EXECUTE FUNCTION public.cf_lamppost_plaque__lamppost_id__id_ai_c33a8af9();
COMMENT ON TRIGGER zz_cached_field_lamppost_plaque__lamppost_id__id_ai_96f13eb8 ON public.plaque IS 'sea-orm-cached-field "public"."lamppost" af2faca4';
CREATE TRIGGER zz_cached_field_lamppost_plaque__lamppost_id__id_at_a3f1532f AFTER TRUNCATE ON public.plaque FOR EACH STATEMENT EXECUTE FUNCTION public.cf_lamppost_plaque__lamppost_id__id_at_de3ab57a();
COMMENT ON TRIGGER zz_cached_field_lamppost_plaque__lamppost_id__id_at_a3f1532f ON public.plaque IS 'sea-orm-cached-field "public"."lamppost" 2507195a';
CREATE TRIGGER zz_cached_field_lamppost_plaque__lamppost_id__id_au_a2f1519c AFTER UPDATE ON public.plaque REFERENCING OLD TABLE AS cf_old NEW TABLE AS cf_new FOR EACH STATEMENT EXECUTE FUNCTION public.cf_lamppost_plaque__lamppost_id__id_au_df3ab70d();
COMMENT ON TRIGGER zz_cached_field_lamppost_plaque__lamppost_id__id_au_a2f1519c ON public.plaque IS 'sea-orm-cached-field "public"."lamppost" 4dd28cb9';
CREATE TRIGGER zz_cached_field_reflag_full_name AFTER UPDATE OF full_name_recalculation_needed ON public.lamppost FOR EACH ROW WHEN ((old.full_name_recalculation_needed AND new.full_name_recalculation_needed AND ((current_setting('cached_field.internal'::text, true) IS DISTINCT FROM 'on'::text) OR (NOT has_table_privilege(('public._lamppost_cached_recalculations'::regclass)::oid, 'DELETE'::text))))) EXECUTE FUNCTION public.cf_lamppost_reflag_dc10069a('full_name');
COMMENT ON TRIGGER zz_cached_field_reflag_full_name ON public.lamppost IS 'sea-orm-cached-field "public"."lamppost" eec077ff';
CREATE TRIGGER zz_cached_field_reflag_length AFTER UPDATE OF length_recalculation_needed ON public.measure FOR EACH ROW WHEN ((old.length_recalculation_needed AND new.length_recalculation_needed AND ((current_setting('cached_field.internal'::text, true) IS DISTINCT FROM 'on'::text) OR (NOT has_table_privilege(('public._measure_cached_recalculations'::regclass)::oid, 'DELETE'::text))))) EXECUTE FUNCTION public.cf_measure_reflag_c7f79a60('length');
COMMENT ON TRIGGER zz_cached_field_reflag_length ON public.measure IS 'sea-orm-cached-field "public"."measure" d701f26c';
ALTER TABLE ONLY public.lamppost
    ADD CONSTRAINT "fk-lamppost-city_id" FOREIGN KEY (city_id) REFERENCES public.city(id);
ALTER TABLE ONLY public.pigeon
    ADD CONSTRAINT "fk-pigeon-lamppost_id" FOREIGN KEY (lamppost_id) REFERENCES public.lamppost(id) ON UPDATE CASCADE ON DELETE CASCADE;
ALTER TABLE ONLY public.plaque
    ADD CONSTRAINT "fk-plaque-lamppost_id" FOREIGN KEY (lamppost_id) REFERENCES public.lamppost(id) ON DELETE CASCADE;
REVOKE ALL ON FUNCTION public.cf_lamppost_ai_236b7217() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_lamppost_au_276b7863() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_lamppost_aur_1f2e02c3() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_lamppost_bi_4372603c() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_lamppost_bu_37724d58() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_lamppost_city__id__city_id_ad_d4602adc() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_lamppost_city__id__city_id_ai_d96032bb() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_lamppost_city__id__city_id_at_c46011ac() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_lamppost_city__id__city_id_au_c560133f() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_lamppost_city__id__city_id_expand_c5318e15(p_limit bigint, p_links text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_lamppost_flag_066d2dcf(p_field text, p_key_1 integer[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_lamppost_flush_001beab5() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_lamppost_pigeon__lamppost_id__id_ad_5842ba8c() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_lamppost_pigeon__lamppost_id__id_ai_5d42c26b() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_lamppost_pigeon__lamppost_id__id_at_6842d3bc() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_lamppost_pigeon__lamppost_id__id_au_6942d54f() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_lamppost_plaque__lamppost_id__id_ad_ce3a9c4a() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_lamppost_plaque__lamppost_id__id_ai_c33a8af9() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_lamppost_plaque__lamppost_id__id_at_de3ab57a() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_lamppost_plaque__lamppost_id__id_au_df3ab70d() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_lamppost_reflag_dc10069a() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_lamppost_work_fd595328(p_fields text[], OUT work boolean, OUT wait bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_measure_ai_665bc2b1() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_measure_au_725bd595() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_measure_aur_ed91baa5() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_measure_bi_6e5990b2() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_measure_bu_8259b02e() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_measure_flag_2de2de29(p_field text, p_key_1 integer[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_measure_flush_1b009f7b() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_measure_reflag_c7f79a60() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.cf_measure_work_95a22ea2(p_fields text[], OUT work boolean, OUT wait bigint) FROM PUBLIC;
