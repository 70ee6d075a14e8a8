"""Text-to-SQL prompts for checks and the benchmark: one schema, many questions, ordered as the notebook does."""

from __future__ import annotations

INSTRUCTIONS = """Write the SQL query that answers the question about the database below.
Use only its tables and columns, spelled as there. The dialect is SQLite.
Answer with one SQL statement and nothing else."""

# The Chinook sample database, by Luis Rocha (MIT).
SCHEMA = """CREATE TABLE Artist (ArtistId INTEGER PRIMARY KEY, Name NVARCHAR(120));
CREATE TABLE Album (AlbumId INTEGER PRIMARY KEY, Title NVARCHAR(160), ArtistId INTEGER REFERENCES Artist);
CREATE TABLE Genre (GenreId INTEGER PRIMARY KEY, Name NVARCHAR(120));
CREATE TABLE MediaType (MediaTypeId INTEGER PRIMARY KEY, Name NVARCHAR(120));
CREATE TABLE Track (TrackId INTEGER PRIMARY KEY, Name NVARCHAR(200), AlbumId INTEGER REFERENCES Album,
  MediaTypeId INTEGER REFERENCES MediaType, GenreId INTEGER REFERENCES Genre, Composer NVARCHAR(220),
  Milliseconds INTEGER, Bytes INTEGER, UnitPrice NUMERIC(10,2));
CREATE TABLE Employee (EmployeeId INTEGER PRIMARY KEY, LastName NVARCHAR(20), FirstName NVARCHAR(20),
  Title NVARCHAR(30), ReportsTo INTEGER REFERENCES Employee, HireDate DATETIME, City NVARCHAR(40),
  Country NVARCHAR(40));
CREATE TABLE Customer (CustomerId INTEGER PRIMARY KEY, FirstName NVARCHAR(40), LastName NVARCHAR(20),
  Company NVARCHAR(80), City NVARCHAR(40), Country NVARCHAR(40), Email NVARCHAR(60),
  SupportRepId INTEGER REFERENCES Employee);
CREATE TABLE Invoice (InvoiceId INTEGER PRIMARY KEY, CustomerId INTEGER REFERENCES Customer, InvoiceDate DATETIME,
  BillingCity NVARCHAR(40), BillingCountry NVARCHAR(40), Total NUMERIC(10,2));
CREATE TABLE InvoiceLine (InvoiceLineId INTEGER PRIMARY KEY, InvoiceId INTEGER REFERENCES Invoice,
  TrackId INTEGER REFERENCES Track, UnitPrice NUMERIC(10,2), Quantity INTEGER);
CREATE TABLE Playlist (PlaylistId INTEGER PRIMARY KEY, Name NVARCHAR(120));
CREATE TABLE PlaylistTrack (PlaylistId INTEGER REFERENCES Playlist, TrackId INTEGER REFERENCES Track);"""

QUESTIONS = (
    "Which five artists have the most albums?",
    "How many customers are there in each country?",
    "What is the total of all invoices of 2012?",
    "List the titles of the albums by AC/DC.",
    "Which genre has the longest average track?",
    "Which customers have never bought anything?",
    "Who supports the most customers?",
    "What are the ten best-selling tracks?",
    "How many tracks have no composer?",
    "Which playlists hold more than 100 tracks?",
    "What does the average invoice come to in each billing country?",
    "Which employees report to Nancy Edwards?",
    "In which month of 2011 were sales highest?",
    "Which artists have no album?",
    "How many tracks are there of each media type?",
    "Which albums cost more than 15 dollars in all?",
)


def messages(question: str) -> list[dict[str, str]]:
    """The conversation for one question: what stays the same stands first, where the prefix cache finds it."""
    return [{"role": "user", "content": f"{INSTRUCTIONS}\n\nSchema:\n{SCHEMA}\n\nQuestion: {question}"}]
