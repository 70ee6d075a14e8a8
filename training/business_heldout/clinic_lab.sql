-- A regional health laboratory with coded columns, in the manner of research data: codes need a hint. Written for this project.
CREATE TABLE patient (pid INTEGER PRIMARY KEY, sex TEXT, birth TEXT, adm TEXT, district_code INTEGER, diag TEXT, first_visit TEXT);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
INSERT INTO patient
SELECT 1000 + i, CASE WHEN (i * 7 + i / 5) % 9 < 5 THEN 'F' ELSE 'M' END,
  date('1936-02-11', '+' || (i * 211 % 24000) || ' days'), CASE WHEN i % 4 = 0 THEN '+' ELSE '-' END, 1 + (i * 5 + i / 3) % 6,
  CASE i % 7 WHEN 0 THEN 'SLE' WHEN 1 THEN 'RA' WHEN 2 THEN 'APS' WHEN 3 THEN 'RA' WHEN 4 THEN 'BEHCET' WHEN 5 THEN 'SLE' ELSE NULL END,
  date('2009-01-12', '+' || (i * 47 % 4300) || ' days')
FROM n;

CREATE TABLE district (district_code INTEGER PRIMARY KEY, dname TEXT, A3 TEXT, A4 INTEGER, A11 REAL);
INSERT INTO district VALUES
  (1, 'Harrow Vale', 'north', 84000, 31250.5), (2, 'Milbrook', 'north', 152000, 28990.0), (3, 'Saint Orla', 'coast', 61000, 40120.0),
  (4, 'Tarn Hill', 'south', 233500, 35700.75), (5, 'Quarry End', 'south', 47900, 22480.0), (6, 'Greywater', 'coast', 98600, 37015.0);

CREATE TABLE lab_test (
  tid INTEGER PRIMARY KEY, pid INTEGER REFERENCES patient (pid), tdate TEXT, GLU INTEGER, CRE REAL, "T-CHO" INTEGER, WBC REAL, PLT INTEGER, flag INTEGER
);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 640)
INSERT INTO lab_test
SELECT i, 1001 + (i * 13 + i / 9) % 112, date('2011-03-01', '+' || (i * 6) || ' days'), 70 + (i * 37) % 160, round(0.4 + (i * 17 % 29) / 10.0, 1),
  CASE WHEN i % 15 = 0 THEN NULL ELSE 130 + (i * 23) % 170 END, round(2.5 + (i * 11 % 95) / 10.0, 1), 80 + (i * 31) % 390, CASE WHEN i % 9 = 0 THEN 1 WHEN i % 14 = 0 THEN 2 ELSE 0 END
FROM n;

CREATE TABLE examination (
  eid INTEGER PRIMARY KEY, pid INTEGER REFERENCES patient (pid), edate TEXT, thrombosis INTEGER, ana INTEGER, symptoms TEXT
);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150)
INSERT INTO examination
SELECT i, 1001 + (i * 17 + i / 4) % 95, date('2012-05-02', '+' || (i * 25) || ' days'), CASE WHEN i % 11 = 0 THEN 2 WHEN i % 5 = 0 THEN 1 ELSE 0 END,
  CASE i % 4 WHEN 0 THEN 16 WHEN 1 THEN 64 WHEN 2 THEN 256 ELSE 0 END, CASE i % 6 WHEN 0 THEN 'fever' WHEN 1 THEN 'headache' WHEN 2 THEN 'arthritis' WHEN 3 THEN 'rash' ELSE NULL END
FROM n;
