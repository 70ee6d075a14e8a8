-- A van fleet with terse names as an old system has them, and no declared foreign keys. Written for this project.
CREATE TABLE VehMaster (VehID INTEGER PRIMARY KEY, RegNo TEXT, VehMake TEXT, VehModel TEXT, FuelTyp TEXT, PurchDt TEXT, PurchPrcEur REAL, DepotCd TEXT, ActiveFlg TEXT);
INSERT INTO VehMaster VALUES
  (1, 'KA-LV 101', 'Fordwell', 'Transporter X', 'Diesel', '2017-03-14', 31500, 'KA', 'Y'),
  (2, 'KA-LV 102', 'Fordwell', 'Transporter X', 'Diesel', '2017-03-14', 31500, 'KA', 'N'),
  (3, 'KA-LV 107', 'Mercado', 'Citybox', 'Electric', '2021-06-01', 48900, 'KA', 'Y'),
  (4, 'ST-LV 201', 'Mercado', 'Longliner', 'Diesel', '2018-09-20', 39950, 'ST', 'Y'),
  (5, 'ST-LV 202', 'Mercado', 'Longliner', 'Diesel', '2019-02-11', 40500, 'ST', 'Y'),
  (6, 'ST-LV 210', 'Voltera', 'V1', 'Electric', '2022-04-04', 52750, 'ST', 'Y'),
  (7, 'MA-LV 301', 'Fordwell', 'Minivan', 'Petrol', '2016-11-30', 19800, 'MA', 'N'),
  (8, 'MA-LV 305', 'Voltera', 'V1', 'Electric', '2022-10-17', 53200, 'MA', 'Y'),
  (9, 'MA-LV 306', 'Voltera', 'V2 Max', 'Electric', '2023-05-08', 61400, 'MA', 'Y');

CREATE TABLE DepotRef (DepotCd TEXT PRIMARY KEY, DepotNm TEXT, City TEXT, ParkingSlots INTEGER);
INSERT INTO DepotRef VALUES ('KA', 'Karlsruhe West', 'Karlsruhe', 14), ('ST', 'Stuttgart Hafen', 'Stuttgart', 25), ('MA', 'Mannheim Nord', 'Mannheim', 9), ('FR', 'Freiburg Sued', 'Freiburg', 6);

CREATE TABLE DrvMaster (DrvID INTEGER PRIMARY KEY, FirstNm TEXT, LastNm TEXT, HireDt TEXT, TermDt TEXT, HomeDepotCd TEXT, LicClass TEXT, HrlyWage REAL);
INSERT INTO DrvMaster VALUES
  (1, 'Petra', 'Lang', '2015-02-01', NULL, 'KA', 'C1', 19.80), (2, 'Murat', 'Demir', '2016-08-15', NULL, 'ST', 'B', 17.20),
  (3, 'Jonas', 'Keller', '2018-01-08', '2022-06-30', 'KA', 'B', 16.50), (4, 'Elif', 'Aydin', '2019-05-20', NULL, 'ST', 'C1', 20.10),
  (5, 'Tobias', 'Roth', '2020-03-02', NULL, 'MA', 'B', 16.90), (6, 'Sandra', 'Vogt', '2021-11-15', NULL, 'MA', 'C', 21.75),
  (7, 'Piotr', 'Zielinski', '2022-07-01', NULL, 'KA', 'B', 16.40), (8, 'Lena', 'Busch', '2023-09-01', NULL, 'FR', 'B', 16.10);

CREATE TABLE TripLog (TripID INTEGER PRIMARY KEY, VehID INTEGER, DrvID INTEGER, StartTs TEXT, EndTs TEXT, DistKm REAL, StopCnt INTEGER, LateStopCnt INTEGER);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
INSERT INTO TripLog
SELECT i, 1 + (i * 5 + i / 7) % 9, 1 + (i * 3 + i / 11) % 7,
  datetime('2022-01-03 06:00:00', '+' || (i * 2) || ' days', '+' || (i % 5) || ' hours'),
  datetime('2022-01-03 06:00:00', '+' || (i * 2) || ' days', '+' || (i % 5 + 3 + i % 6) || ' hours'),
  40 + (i * 37) % 210 + 0.5, 8 + (i * 13) % 40, (i * 7) % 9 / 2
FROM n;

CREATE TABLE FuelTxn (TxnID INTEGER PRIMARY KEY, VehID INTEGER, TxnDt TEXT, Qty REAL, UnitCd TEXT, AmtEur REAL, StationNm TEXT);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 180)
INSERT INTO FuelTxn
SELECT i, v, date('2022-01-05', '+' || (i * 4) || ' days'), 20 + (i * 11) % 45,
  CASE WHEN v IN (3, 6, 8, 9) THEN 'kWh' ELSE 'L' END,
  round((20 + (i * 11) % 45) * CASE WHEN v IN (3, 6, 8, 9) THEN 0.42 ELSE 1.71 END, 2),
  CASE i % 4 WHEN 0 THEN 'Tankhof Sued' WHEN 1 THEN 'Autobahn A5' WHEN 2 THEN 'Depot Charger' ELSE 'Rasthof Nord' END
FROM (SELECT i, 1 + (i * 2 + i / 5) % 8 AS v FROM n);

CREATE TABLE MaintJob (JobID INTEGER PRIMARY KEY, VehID INTEGER, OpenDt TEXT, CloseDt TEXT, JobTyp TEXT, PartsCostEur REAL, LaborHrs REAL, Garage TEXT);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
INSERT INTO MaintJob
SELECT i, 1 + (i * 4 + i / 3) % 8, date('2022-01-10', '+' || (i * 12) || ' days'),
  CASE WHEN i > 57 THEN NULL ELSE date('2022-01-10', '+' || (i * 12 + i % 6) || ' days') END,
  CASE i % 5 WHEN 0 THEN 'Inspection' WHEN 1 THEN 'Tyres' WHEN 2 THEN 'Brakes' WHEN 3 THEN 'Bodywork' ELSE 'Battery' END,
  (i * 53) % 700 + 15, 1 + (i % 7) * 0.5, CASE WHEN i % 3 = 0 THEN 'Werkstatt Huber' ELSE 'In-house' END
FROM n;
