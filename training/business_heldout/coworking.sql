-- Shared offices: members, desks, bookings, invoices. Written for this project; CamelCase with plural tables.
CREATE TABLE Locations (LocationId INTEGER PRIMARY KEY, LocationName TEXT, City TEXT, Country TEXT, OpenedDate DATE, FloorArea INTEGER, MonthlyRentCost REAL);
INSERT INTO Locations VALUES
  (1, 'Canal House', 'Amsterdam', 'Netherlands', '2016-05-01', 1200, 21000), (2, 'De Pijp Loft', 'Amsterdam', 'Netherlands', '2019-09-01', 650, 13500),
  (3, 'Port Office', 'Rotterdam', 'Netherlands', '2020-02-01', 900, 9800), (4, 'Grand Place Hub', 'Brussels', 'Belgium', '2018-03-15', 1100, 15200),
  (5, 'Zuid Station', 'Antwerp', 'Belgium', '2022-01-10', 500, 6100);

CREATE TABLE MembershipPlans (PlanId INTEGER PRIMARY KEY, PlanName TEXT, MonthlyFee REAL, DeskType TEXT, MeetingHoursIncluded INTEGER);
INSERT INTO MembershipPlans VALUES (1, 'Day Pass', 0, 'hot desk', 0), (2, 'Flex', 149, 'hot desk', 2), (3, 'Resident', 289, 'dedicated desk', 5), (4, 'Team Room', 1250, 'private office', 20), (5, 'Virtual', 39, 'none', 1);

CREATE TABLE Companies (CompanyId INTEGER PRIMARY KEY, CompanyName TEXT, Industry TEXT, EmployeeCount INTEGER);
INSERT INTO Companies VALUES
  (1, 'Tulip Analytics', 'Software', 14), (2, 'Bakfiets Media', 'Marketing', 6), (3, 'Lowland Legal', 'Legal', 9), (4, 'Delta Works Design', 'Architecture', 22),
  (5, 'Waffle Robotics', 'Hardware', 31), (6, 'Noordzee Recruiting', 'Recruiting', 4), (7, 'Gracht Capital', 'Finance', 3);

CREATE TABLE Members (
  MemberId INTEGER PRIMARY KEY, FirstName TEXT, LastName TEXT, Email TEXT, CompanyId INTEGER, PlanId INTEGER, HomeLocationId INTEGER,
  JoinDate DATE, LeaveDate DATE,
  FOREIGN KEY (CompanyId) REFERENCES Companies (CompanyId), FOREIGN KEY (PlanId) REFERENCES MembershipPlans (PlanId),
  FOREIGN KEY (HomeLocationId) REFERENCES Locations (LocationId)
);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
INSERT INTO Members
SELECT i,
  CASE i % 10 WHEN 0 THEN 'Sanne' WHEN 1 THEN 'Daan' WHEN 2 THEN 'Lotte' WHEN 3 THEN 'Bram' WHEN 4 THEN 'Amina' WHEN 5 THEN 'Pieter' WHEN 6 THEN 'Chloé' WHEN 7 THEN 'Youssef' WHEN 8 THEN 'Femke' ELSE 'Ruben' END,
  CASE i % 6 WHEN 0 THEN 'Jansen' WHEN 1 THEN 'de Vries' WHEN 2 THEN 'Peeters' WHEN 3 THEN 'Bakker' WHEN 4 THEN 'Maes' ELSE 'Visser' END || CASE WHEN i > 30 THEN '-Smit' ELSE '' END,
  'member' || i || '@cowork.example', CASE WHEN i % 4 = 0 THEN NULL ELSE 1 + (i * 5) % 6 END, 1 + (i * 3 + i / 5) % 5, 1 + (i * 2 + i / 6) % 4,
  date('2018-06-01', '+' || (i * 31) || ' days'), CASE WHEN i % 6 = 1 THEN date('2018-06-01', '+' || (i * 31 + 200 + i * 3) || ' days') ELSE NULL END
FROM n;

CREATE TABLE MeetingRooms (RoomId INTEGER PRIMARY KEY, LocationId INTEGER REFERENCES Locations (LocationId), RoomName TEXT, Seats INTEGER, HourlyRate REAL, HasProjector INTEGER);
INSERT INTO MeetingRooms VALUES
  (1, 1, 'Rembrandt', 12, 45, 1), (2, 1, 'Vermeer', 6, 28, 1), (3, 1, 'Mondrian', 4, 19, 0), (4, 2, 'Attic', 8, 32, 1), (5, 3, 'Erasmus', 16, 50, 1),
  (6, 3, 'Dock', 5, 20, 0), (7, 4, 'Magritte', 10, 38, 1), (8, 4, 'Ensor', 4, 18, 0), (9, 4, 'Rubens', 20, 60, 1), (10, 5, 'Platform 1', 6, 24, 0);

CREATE TABLE RoomBookings (BookingId INTEGER PRIMARY KEY, RoomId INTEGER REFERENCES MeetingRooms (RoomId), MemberId INTEGER REFERENCES Members (MemberId), StartTime DATETIME, Hours REAL, Attendees INTEGER, Cancelled INTEGER);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 350)
INSERT INTO RoomBookings
SELECT i, 1 + (i * 7 + i / 8) % 9, 1 + (i * 11 + i / 4) % 52, datetime('2022-01-03 08:00:00', '+' || (i * 3) || ' days', '+' || (i * 5 % 10) || ' hours'),
  1 + (i % 4) * 0.5, 2 + (i * 3) % 9, CASE WHEN i % 12 = 0 THEN 1 ELSE 0 END
FROM n;

CREATE TABLE Invoices (InvoiceId INTEGER PRIMARY KEY, MemberId INTEGER REFERENCES Members (MemberId), InvoiceDate DATE, DueDate DATE, NetAmount REAL, VatAmount REAL, PaidDate DATE);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
INSERT INTO Invoices
SELECT i, 1 + (i * 7) % 58, date('2022-01-01', '+' || (i / 9) || ' months'), date('2022-01-01', '+' || (i / 9) || ' months', '+14 days'),
  39 + (i * 61) % 1300, round((39 + (i * 61) % 1300) * 0.21, 2),
  CASE WHEN i % 11 = 0 THEN NULL ELSE date('2022-01-01', '+' || (i / 9) || ' months', '+' || (3 + i * 5 % 25) || ' days') END
FROM n;
