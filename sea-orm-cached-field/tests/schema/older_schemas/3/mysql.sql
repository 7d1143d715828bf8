CREATE TABLE `_lamppost_cached_marks` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `field` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `key_1` int(11) DEFAULT NULL,
  `eager` tinyint(1) DEFAULT NULL,
  `marked_at` datetime(6) NOT NULL DEFAULT (utc_timestamp(6)),
  `via` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `link` longtext CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `link_hash` int(10) unsigned DEFAULT NULL,
  `after_key_1` int(11) DEFAULT NULL,
  `to_key_1` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `by_key` (`key_1`,`field`),
  KEY `by_via` (`via`),
  KEY `by_link` (`link_hash`)
) ENGINE=InnoDB AUTO_INCREMENT=21 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='sea-orm-cached-field `DATABASE_NAME`.`lamppost` 3.1de463d3';
INSERT INTO `_lamppost_cached_marks` VALUES
(18,'full_name',2,NULL,'2026-12-01 00:00:39.833481',NULL,NULL,NULL,NULL,NULL),
(19,'full_name',1,NULL,'2026-12-01 00:00:39.840985',NULL,NULL,NULL,NULL,NULL),
(20,'full_name',NULL,NULL,'2026-12-01 00:00:39.841709','city__id__city_id','i31',1268076001,NULL,NULL);
CREATE TABLE `_lamppost_cached_recalculations` (
  `key_1` int(11) NOT NULL,
  `field` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `generation` bigint(20) NOT NULL,
  `due_at` datetime(6) DEFAULT (utc_timestamp(6)),
  `leased_until` datetime(6) NOT NULL DEFAULT '1970-01-01 00:00:00.000000',
  `attempts` int(11) NOT NULL DEFAULT 0,
  `waves` int(11) NOT NULL DEFAULT 0,
  `last_error` longtext DEFAULT NULL,
  `queued_at` datetime(6) NOT NULL DEFAULT (utc_timestamp(6)),
  PRIMARY KEY (`key_1`,`field`),
  KEY `by_due` (`due_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='sea-orm-cached-field `DATABASE_NAME`.`lamppost` 3.9b649cdb';
INSERT INTO `_lamppost_cached_recalculations` VALUES
(3,'full_name',1000,NULL,'1970-01-01 00:00:00.000000',9,0,'broken','2026-12-01 00:00:39.829539'),
(4,'full_name',1001,'2026-12-01 00:00:39.832721','1970-01-01 00:00:00.000000',1,0,NULL,'2026-12-01 00:00:39.832721');
CREATE TABLE `_lamppost_cached_versions` (
  `field` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `version` bigint(20) NOT NULL,
  `inputs` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `kept_by` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `renewal` bigint(20) DEFAULT NULL,
  `declared_by` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  PRIMARY KEY (`field`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='sea-orm-cached-field `DATABASE_NAME`.`lamppost` 3.4fc83b89';
INSERT INTO `_lamppost_cached_versions` VALUES
('full_name',0,'\"cached_full_name\"\n\"city\"(\"id\" = \"city_id\")\n\"city\"(\"id\" = \"city_id\") \"name\"\n\"city_id\"\n\"first_name\"\n\"pigeon\"(\"lamppost_id\" = \"id\")\n\"pigeon\"(\"lamppost_id\" = \"id\") \"weight_in_g\"\n\"plaque\"(\"lamppost_id\" = \"id\")\n\"plaque\"(\"lamppost_id\" = \"id\") \"text\"','table \"_lamppost_cached_marks\"\ntable \"_lamppost_cached_recalculations\"\ntable \"_lamppost_cached_versions\"\ntrigger \"zz_cached_field_lamppost_ai_549c45be_25175907\"\ntrigger \"zz_cached_field_lamppost_au_7e035c28_448113f7\"\ntrigger \"zz_cached_field_lamppost_bi_71f882eb_615e09fa\"\ntrigger \"zz_cached_field_lamppost_bu_be7322bc_8f6e1739\"\ntrigger \"zz_cached_field_lamppost_city__id__city_id_ad_bffce4a1_bbd4eabd\"\ntrigger \"zz_cached_field_lamppost_city__id__city_id_ai_5b02302c_b55ac16d\"\ntrigger \"zz_cached_field_lamppost_city__id__city_id_au_b6da79eb_ebaf3184\"\ntrigger \"zz_cached_field_lamppost_pigeon__lamppost_id__id_ad_79_e38e659f\"\ntrigger \"zz_cached_field_lamppost_pigeon__lamppost_id__id_ai_2c_31775dc8\"\ntrigger \"zz_cached_field_lamppost_pigeon__lamppost_id__id_au_8b_c7ad6f91\"\ntrigger \"zz_cached_field_lamppost_plaque__lamppost_id__id_ad_27_47044cdc\"\ntrigger \"zz_cached_field_lamppost_plaque__lamppost_id__id_ai_3d_2da5363f\"\ntrigger \"zz_cached_field_lamppost_plaque__lamppost_id__id_au_b6_181db1a5\"',NULL,'schema');
CREATE TABLE `_measure_cached_marks` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `field` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `key_1` int(11) DEFAULT NULL,
  `eager` tinyint(1) DEFAULT NULL,
  `marked_at` datetime(6) NOT NULL DEFAULT (utc_timestamp(6)),
  `via` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `link` longtext CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `link_hash` int(10) unsigned DEFAULT NULL,
  `after_key_1` int(11) DEFAULT NULL,
  `to_key_1` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `by_key` (`key_1`,`field`),
  KEY `by_via` (`via`),
  KEY `by_link` (`link_hash`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='sea-orm-cached-field `DATABASE_NAME`.`measure` 3.1de463d3';
CREATE TABLE `_measure_cached_recalculations` (
  `key_1` int(11) NOT NULL,
  `field` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `generation` bigint(20) NOT NULL,
  `due_at` datetime(6) DEFAULT (utc_timestamp(6)),
  `leased_until` datetime(6) NOT NULL DEFAULT '1970-01-01 00:00:00.000000',
  `attempts` int(11) NOT NULL DEFAULT 0,
  `waves` int(11) NOT NULL DEFAULT 0,
  `last_error` longtext DEFAULT NULL,
  `queued_at` datetime(6) NOT NULL DEFAULT (utc_timestamp(6)),
  PRIMARY KEY (`key_1`,`field`),
  KEY `by_due` (`due_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='sea-orm-cached-field `DATABASE_NAME`.`measure` 3.9b649cdb';
CREATE TABLE `_measure_cached_versions` (
  `field` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `version` bigint(20) NOT NULL,
  `inputs` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `kept_by` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `renewal` bigint(20) DEFAULT NULL,
  `declared_by` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  PRIMARY KEY (`field`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='sea-orm-cached-field `DATABASE_NAME`.`measure` 3.4fc83b89';
INSERT INTO `_measure_cached_versions` VALUES
('length',1,'\"cached_length\"\n\"inches\"','table \"_measure_cached_marks\"\ntable \"_measure_cached_recalculations\"\ntable \"_measure_cached_versions\"\ntrigger \"zz_cached_field_measure_ai_159b4a47_7954b725\"\ntrigger \"zz_cached_field_measure_au_00bb00f8_8e0aaef8\"\ntrigger \"zz_cached_field_measure_bi_bae4a746_dccdce95\"\ntrigger \"zz_cached_field_measure_bu_3324750a_6761ff28\"',NULL,'schema');
CREATE TABLE `city` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `name` varchar(255) NOT NULL,
  `mayor` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `city` VALUES
(1,'Roma',NULL);
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_city__id__city_id_ai_5b02302c_b55ac16d` AFTER INSERT ON `DATABASE_NAME`.`city` FOR EACH ROW
BEGIN
  IF NEW.`id` IS NOT NULL THEN
    INSERT INTO `DATABASE_NAME`.`_lamppost_cached_marks` (field, via, link, link_hash)
    VALUES ('full_name', 'city__id__city_id', CONCAT('i', HEX(CAST(NEW.`id` AS CHAR))), CRC32(CONCAT_WS(',', HEX(WEIGHT_STRING(CONVERT(TRIM(TRAILING ' ' FROM NEW.`id`) USING utf8mb4) COLLATE utf8mb4_unicode_ci)))));
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 5b02302c';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_city__id__city_id_au_b6da79eb_ebaf3184` AFTER UPDATE ON `DATABASE_NAME`.`city` FOR EACH ROW
BEGIN
  BEGIN
    DECLARE cached_field_list VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT CONCAT_WS(',', IF((NOT (OLD.`id` <=> NEW.`id`) OR NOT (CAST(OLD.`name` AS BINARY) <=> CAST(NEW.`name` AS BINARY))), 'full_name', NULL));
    IF cached_field_list <> '' THEN
  IF OLD.`id` IS NOT NULL THEN
    INSERT INTO `DATABASE_NAME`.`_lamppost_cached_marks` (field, via, link, link_hash)
    VALUES (cached_field_list, 'city__id__city_id', CONCAT('i', HEX(CAST(OLD.`id` AS CHAR))), CRC32(CONCAT_WS(',', HEX(WEIGHT_STRING(CONVERT(TRIM(TRAILING ' ' FROM OLD.`id`) USING utf8mb4) COLLATE utf8mb4_unicode_ci)))));
  END IF;
    END IF;
  END;
  IF (NOT (OLD.`id` <=> NEW.`id`)) THEN
  IF NEW.`id` IS NOT NULL THEN
    INSERT INTO `DATABASE_NAME`.`_lamppost_cached_marks` (field, via, link, link_hash)
    VALUES ('full_name', 'city__id__city_id', CONCAT('i', HEX(CAST(NEW.`id` AS CHAR))), CRC32(CONCAT_WS(',', HEX(WEIGHT_STRING(CONVERT(TRIM(TRAILING ' ' FROM NEW.`id`) USING utf8mb4) COLLATE utf8mb4_unicode_ci)))));
  END IF;
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` b6da79eb';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_city__id__city_id_ad_bffce4a1_bbd4eabd` AFTER DELETE ON `DATABASE_NAME`.`city` FOR EACH ROW
BEGIN
  IF OLD.`id` IS NOT NULL THEN
    INSERT INTO `DATABASE_NAME`.`_lamppost_cached_marks` (field, via, link, link_hash)
    VALUES ('full_name', 'city__id__city_id', CONCAT('i', HEX(CAST(OLD.`id` AS CHAR))), CRC32(CONCAT_WS(',', HEX(WEIGHT_STRING(CONVERT(TRIM(TRAILING ' ' FROM OLD.`id`) USING utf8mb4) COLLATE utf8mb4_unicode_ci)))));
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` bffce4a1';
END 
;;
DELIMITER ;
CREATE TABLE `lamppost` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `first_name` varchar(255) NOT NULL,
  `note` varchar(255) DEFAULT NULL,
  `city_id` int(11) DEFAULT NULL,
  `cached_full_name` varchar(255) DEFAULT NULL,
  `full_name_recalculation_needed` tinyint(1) NOT NULL DEFAULT 1,
  `full_name_expires_after` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `fk-lamppost-city_id` (`city_id`),
  KEY `lamppost_cached_full_name_expires_after` (`full_name_expires_after`) COMMENT 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 64ed0f0f',
  CONSTRAINT `fk-lamppost-city_id` FOREIGN KEY (`city_id`) REFERENCES `city` (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=6 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `lamppost` VALUES
(1,'Ada',NULL,NULL,'Ada of nowhere, 1 pigeons of 300, -',0,NULL),
(2,'Bea',NULL,NULL,'Bob of nowhere, 1 pigeons of 300, -',1,NULL),
(3,'Cyd',NULL,NULL,'Cyd of nowhere, 1 pigeons of 300, -',1,NULL),
(4,'Dan',NULL,NULL,'Dan of nowhere, 1 pigeons of 300, -',1,NULL),
(5,'Eve',NULL,1,'Eve of Rome, 1 pigeons of 300, -',0,NULL);
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_bi_71f882eb_615e09fa` BEFORE INSERT ON `DATABASE_NAME`.`lamppost` FOR EACH ROW
BEGIN
  SET NEW.`full_name_recalculation_needed` = TRUE;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 71f882eb';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_ai_549c45be_25175907` AFTER INSERT ON `DATABASE_NAME`.`lamppost` FOR EACH ROW
BEGIN
  INSERT INTO `DATABASE_NAME`.`_lamppost_cached_marks` (field, key_1)
  VALUES ('full_name', NEW.`id`);
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 549c45be';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_bu_be7322bc_8f6e1739` BEFORE UPDATE ON `DATABASE_NAME`.`lamppost` FOR EACH ROW
BEGIN
  DECLARE cached_field_foreign BOOLEAN DEFAULT NOT (NEW.`full_name_recalculation_needed` IN (100, 101));
  IF (NOT (OLD.`id` <=> NEW.`id`) OR NOT (CAST(OLD.`first_name` AS BINARY) <=> CAST(NEW.`first_name` AS BINARY)) OR NOT (OLD.`city_id` <=> NEW.`city_id`)) OR NEW.`full_name_recalculation_needed` = 101 THEN
    SET NEW.`full_name_recalculation_needed` = TRUE;
  ELSEIF NEW.`full_name_recalculation_needed` = 100 THEN
    SET NEW.`full_name_recalculation_needed` = FALSE;
  ELSEIF cached_field_foreign AND (NEW.`full_name_recalculation_needed` OR OLD.`full_name_recalculation_needed` OR NOT (CAST(OLD.`cached_full_name` AS BINARY) <=> CAST(NEW.`cached_full_name` AS BINARY))) THEN
    SET NEW.`full_name_recalculation_needed` = TRUE;
    INSERT INTO `DATABASE_NAME`.`_lamppost_cached_marks` (field, key_1)
  VALUES ('full_name', NEW.`id`);
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` be7322bc';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_au_7e035c28_448113f7` AFTER UPDATE ON `DATABASE_NAME`.`lamppost` FOR EACH ROW
BEGIN
  BEGIN
    DECLARE cached_field_list VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT CONCAT_WS(',', IF((NOT (OLD.`id` <=> NEW.`id`) OR NOT (CAST(OLD.`first_name` AS BINARY) <=> CAST(NEW.`first_name` AS BINARY)) OR NOT (OLD.`city_id` <=> NEW.`city_id`)), 'full_name', NULL));
    IF cached_field_list <> '' THEN
  INSERT INTO `DATABASE_NAME`.`_lamppost_cached_marks` (field, key_1)
  VALUES (cached_field_list, NEW.`id`);
    END IF;
  END;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 7e035c28';
END 
;;
DELIMITER ;
CREATE TABLE `measure` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `inches` int(11) NOT NULL,
  `cached_length` varchar(255) DEFAULT NULL,
  `length_recalculation_needed` tinyint(1) NOT NULL DEFAULT 1,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `measure` VALUES
(1,1,'1 inches',0);
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_measure_bi_bae4a746_dccdce95` BEFORE INSERT ON `DATABASE_NAME`.`measure` FOR EACH ROW
BEGIN
  SET NEW.`length_recalculation_needed` = TRUE;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`measure` bae4a746';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_measure_ai_159b4a47_7954b725` AFTER INSERT ON `DATABASE_NAME`.`measure` FOR EACH ROW
BEGIN
  INSERT INTO `DATABASE_NAME`.`_measure_cached_marks` (field, key_1)
  VALUES ('length', NEW.`id`);
  DO 'sea-orm-cached-field `DATABASE_NAME`.`measure` 159b4a47';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_measure_bu_3324750a_6761ff28` BEFORE UPDATE ON `DATABASE_NAME`.`measure` FOR EACH ROW
BEGIN
  DECLARE cached_field_foreign BOOLEAN DEFAULT NOT (NEW.`length_recalculation_needed` IN (100, 101));
  IF (NOT (OLD.`id` <=> NEW.`id`) OR NOT (OLD.`inches` <=> NEW.`inches`)) OR NEW.`length_recalculation_needed` = 101 THEN
    SET NEW.`length_recalculation_needed` = TRUE;
  ELSEIF NEW.`length_recalculation_needed` = 100 THEN
    SET NEW.`length_recalculation_needed` = FALSE;
  ELSEIF cached_field_foreign AND (NEW.`length_recalculation_needed` OR OLD.`length_recalculation_needed` OR NOT (CAST(OLD.`cached_length` AS BINARY) <=> CAST(NEW.`cached_length` AS BINARY))) THEN
    SET NEW.`length_recalculation_needed` = TRUE;
    INSERT INTO `DATABASE_NAME`.`_measure_cached_marks` (field, key_1)
  VALUES ('length', NEW.`id`);
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`measure` 3324750a';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_measure_au_00bb00f8_8e0aaef8` AFTER UPDATE ON `DATABASE_NAME`.`measure` FOR EACH ROW
BEGIN
  BEGIN
    DECLARE cached_field_list VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT CONCAT_WS(',', IF((NOT (OLD.`id` <=> NEW.`id`) OR NOT (OLD.`inches` <=> NEW.`inches`)), 'length', NULL));
    IF cached_field_list <> '' THEN
  INSERT INTO `DATABASE_NAME`.`_measure_cached_marks` (field, key_1)
  VALUES (cached_field_list, NEW.`id`);
    END IF;
  END;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`measure` 00bb00f8';
END 
;;
DELIMITER ;
CREATE TABLE `pigeon` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `weight_in_g` int(11) NOT NULL,
  `colour` varchar(255) DEFAULT NULL,
  `ring` varchar(255) DEFAULT NULL,
  `lamppost_id` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `ring` (`ring`),
  KEY `fk-pigeon-lamppost_id` (`lamppost_id`),
  CONSTRAINT `fk-pigeon-lamppost_id` FOREIGN KEY (`lamppost_id`) REFERENCES `lamppost` (`id`) ON DELETE CASCADE ON UPDATE CASCADE
) ENGINE=InnoDB AUTO_INCREMENT=6 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `pigeon` VALUES
(1,500,NULL,NULL,1),
(2,300,NULL,NULL,2),
(3,400,NULL,NULL,3),
(4,400,NULL,NULL,4),
(5,300,NULL,NULL,5);
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_pigeon__lamppost_id__id_ai_2c_31775dc8` AFTER INSERT ON `DATABASE_NAME`.`pigeon` FOR EACH ROW
BEGIN
  IF NEW.`lamppost_id` IS NOT NULL THEN
    INSERT INTO `DATABASE_NAME`.`_lamppost_cached_marks` (field, key_1)
    VALUES ('full_name', NEW.`lamppost_id`);
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 2cd9e26c';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_pigeon__lamppost_id__id_au_8b_c7ad6f91` AFTER UPDATE ON `DATABASE_NAME`.`pigeon` FOR EACH ROW
BEGIN
  BEGIN
    DECLARE cached_field_list VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT CONCAT_WS(',', IF((NOT (OLD.`lamppost_id` <=> NEW.`lamppost_id`) OR NOT (OLD.`weight_in_g` <=> NEW.`weight_in_g`)), 'full_name', NULL));
    IF cached_field_list <> '' THEN
  IF OLD.`lamppost_id` IS NOT NULL THEN
    INSERT INTO `DATABASE_NAME`.`_lamppost_cached_marks` (field, key_1)
    VALUES (cached_field_list, OLD.`lamppost_id`);
  END IF;
    END IF;
  END;
  IF (NOT (OLD.`lamppost_id` <=> NEW.`lamppost_id`)) THEN
  IF NEW.`lamppost_id` IS NOT NULL THEN
    INSERT INTO `DATABASE_NAME`.`_lamppost_cached_marks` (field, key_1)
    VALUES ('full_name', NEW.`lamppost_id`);
  END IF;
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 8b6f6281';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_pigeon__lamppost_id__id_ad_79_e38e659f` AFTER DELETE ON `DATABASE_NAME`.`pigeon` FOR EACH ROW
BEGIN
  IF OLD.`lamppost_id` IS NOT NULL THEN
    INSERT INTO `DATABASE_NAME`.`_lamppost_cached_marks` (field, key_1)
    VALUES ('full_name', OLD.`lamppost_id`);
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 79b3e6ae';
END 
;;
DELIMITER ;
CREATE TABLE `plaque` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `text` varchar(255) NOT NULL,
  `lamppost_id` int(11) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `lamppost_id` (`lamppost_id`),
  CONSTRAINT `fk-plaque-lamppost_id` FOREIGN KEY (`lamppost_id`) REFERENCES `lamppost` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_plaque__lamppost_id__id_ai_3d_2da5363f` AFTER INSERT ON `DATABASE_NAME`.`plaque` FOR EACH ROW
BEGIN
  IF NEW.`lamppost_id` IS NOT NULL THEN
    INSERT INTO `DATABASE_NAME`.`_lamppost_cached_marks` (field, key_1)
    VALUES ('full_name', NEW.`lamppost_id`);
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 3d0fefa6';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_plaque__lamppost_id__id_au_b6_181db1a5` AFTER UPDATE ON `DATABASE_NAME`.`plaque` FOR EACH ROW
BEGIN
  BEGIN
    DECLARE cached_field_list VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT CONCAT_WS(',', IF((NOT (OLD.`lamppost_id` <=> NEW.`lamppost_id`) OR NOT (CAST(OLD.`text` AS BINARY) <=> CAST(NEW.`text` AS BINARY))), 'full_name', NULL));
    IF cached_field_list <> '' THEN
  IF OLD.`lamppost_id` IS NOT NULL THEN
    INSERT INTO `DATABASE_NAME`.`_lamppost_cached_marks` (field, key_1)
    VALUES (cached_field_list, OLD.`lamppost_id`);
  END IF;
    END IF;
  END;
  IF (NOT (OLD.`lamppost_id` <=> NEW.`lamppost_id`)) THEN
  IF NEW.`lamppost_id` IS NOT NULL THEN
    INSERT INTO `DATABASE_NAME`.`_lamppost_cached_marks` (field, key_1)
    VALUES ('full_name', NEW.`lamppost_id`);
  END IF;
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` b6054523';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_plaque__lamppost_id__id_ad_27_47044cdc` AFTER DELETE ON `DATABASE_NAME`.`plaque` FOR EACH ROW
BEGIN
  IF OLD.`lamppost_id` IS NOT NULL THEN
    INSERT INTO `DATABASE_NAME`.`_lamppost_cached_marks` (field, key_1)
    VALUES ('full_name', OLD.`lamppost_id`);
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 278a7e2c';
END 
;;
DELIMITER ;
